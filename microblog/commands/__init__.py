"""The `microblog` command: `microblog [-c FILE.ini] [GROUP] COMMAND`.

Which commands there are is said by the rooms (`config.add_command`), those of the ini file among them.
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

# Before there is a log, Python prints warnings: this one's are about connections that are told in a sentence.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# They need no site, and no room: name of the module below this package, and of the command in it.
COMMANDS = ("serve", "new")


def use_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale has another encoding (LC_ALL=C).

    Ini files, names of folders in them and what is printed are UTF-8; Python from 3.15 on does the same.
    """
    is_utf8 = sys.flags.utf8_mode or locale.getencoding().lower() in ("utf-8", "utf8")
    if is_utf8 or os.environ.get("PYTHONUTF8") == "1":  # or Python was told otherwise once more
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


class Commands(click.Group):
    """Those of this package and of the rooms, imported when they are asked for; failures become sentences."""

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
            from microblog.console.sentences import sentence_about

            sentence = sentence_about(error)
            if sentence is None:  # a fault of ours: its traceback is wanted
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
    """A self-hosted microblog: make a site, serve it, and look after it."""
