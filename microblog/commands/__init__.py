"""The `microblog` command: `microblog [-c FILE.ini] [GROUP] COMMAND`.

A subcommand is imported when it is asked for: most of them need a part of the application only.
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

# Name of the command: the module below this package that has it, and its name there.
COMMANDS = {
    "serve": ("serve", "serve"),
    "new": ("new", "new"),
    "database": ("database", "database"),
    "user": ("user", "user"),
    "import": ("importing", "import_posts"),
    "worker": ("worker", "worker"),
    "search": ("search", "search"),
    "outbox": ("outbox", "outbox"),
    "settings": ("settings", "settings"),
    "doctor": ("doctor", "doctor"),
    "profile": ("profile", "profile"),
    "mail": ("mail", "mail"),
    "backup": ("backup", "backup"),
    "restore": ("backup", "restore"),
    "copy-database": ("copying", "copy_database"),
}


def use_utf8() -> None:
    """Begin anew in Python's UTF-8 mode where the locale has another encoding (LC_ALL=C).

    Ini files, names of folders in them and what is printed are UTF-8; Python from 3.15 on does the same.
    """
    is_utf8 = sys.flags.utf8_mode or locale.getencoding().lower() in ("utf-8", "utf8")
    if is_utf8 or os.environ.get("PYTHONUTF8") == "1":  # or Python was told otherwise once more
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


class LazyGroup(click.Group):
    """Imports its commands when they are asked for, and says failures in a sentence."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), attribute)
        return command

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
            from microblog.console.site import sentence_about

            sentence = sentence_about(error)
            if sentence is None:  # a fault of ours: its traceback is wanted
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "ini",
    metavar="FILE.ini",
    envvar="MICROBLOG_CONFIG",
    help="The site's settings.  [default: $MICROBLOG_CONFIG, else ./development.ini]",
)
@click.version_option(package_name="microblog", message="microblog %(version)s")
@click.pass_context
def main(context: click.Context, ini: str | None) -> None:
    """A self-hosted microblog: make a site, serve it, and look after it."""
    context.obj = ini
