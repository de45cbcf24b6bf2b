"""What commands need of a site and packages above this one provide."""

from __future__ import annotations

from typing import Any

from zope.interface import Interface


class IMigrations(Interface):
    """Upgrades the database of a site to what this version needs."""

    def find_problem(site: Any) -> str | None:  # zope.interface
        """Why the database cannot be used, with what to do; None when it can."""

    def upgrade(site: Any) -> str:  # zope.interface
        """Make what is missing (folder, tables, those of the search adapter); return a sentence about it.

        :raises OperatorError: when it cannot be made.
        """
