"""Imports go through the command."""

from tests.functional.commands.conftest import (  # noqa: F401
    ini,
    microblog,
    no_ini_of_this_machine,
    start,
)
