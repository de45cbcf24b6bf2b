"""What commands ask of a site, and rooms above them answer."""

from __future__ import annotations

from typing import Any

from zope.interface import Interface


class IMigrations(Interface):
    """Brings the database of a site to where this version needs it."""

    def find_problem(site: Any) -> str | None:  # zope.interface
        """Why the database cannot be used, with what to do; None when it can."""

    def upgrade(site: Any) -> str:  # zope.interface
        """Make what is missing (folder, tables, those of the search adapter); what was done, as a sentence.

        :raises OperatorError: when that cannot be done.
        """
