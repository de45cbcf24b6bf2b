"""The `microblog` command: `microblog [-c FILE.ini] [GROUP] COMMAND`.

Packages add commands (`config.add_command`), also those that the ini file includes.
"""

from __future__ import annotations

import locale
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

# Before the log is set up, Python prints warnings. Those of psycopg are about connections, whose failure is
# reported in a sentence anyway.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# They need no site and no other package: the names of modules in this package, and of the commands in them.
COMMANDS = ("serve", "new")


def use_utf8() -> None:
    """Restart in Python's UTF-8 mode where the locale has another encoding (LC_ALL=C).

    Ini files, names of folders in them and output are UTF-8; Python does the same from 3.15 on.
    """
    is_utf8 = sys.flags.utf8_mode or locale.getencoding().lower() in ("utf-8", "utf8")
    if is_utf8 or os.environ.get("PYTHONUTF8") == "1":  # "1" without UTF-8 mode: do not restart for ever
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


class Commands(click.Group):
    """The commands of this and other packages, imported on demand; their failures become sentences."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [*COMMANDS, *self._console(context).list_commands()]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            command: click.Command = getattr(import_module(f"{__name__}.{name}"), name)
            return command
        found: click.Command | None = self._console(context).get_command(name)
        return found

    def _console(self, context: click.Context) -> Any:
        from microblog.console.site import get_console

        return get_console(context)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **more: Any) -> Any:
        if args is None:  # it is the process
            use_utf8()
        return super().main(args, *rest, **more)

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from microblog.console.sentences import explain_error

            sentence = explain_error(error)
            if sentence is None:  # a bug: show the traceback
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "ini",
    metavar="FILE.ini",
    is_eager=True,  # help shows the commands of the site
    envvar="MICROBLOG_CONFIG",
    help="The site's settings.  [default: $MICROBLOG_CONFIG, else ./development.ini]",
)
@click.version_option(package_name="microblog", message="microblog %(version)s")
def main(ini: str | None) -> None:
    """A self-hosted microblog: make a site, serve it, and maintain it."""
