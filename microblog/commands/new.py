"""`microblog new FOLDER`: the ini files of a new site."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shlex
from importlib import resources
from pathlib import Path

import click

from microblog.errors import OperatorError
from microblog.settings import TOOLBAR

PRIVATE = 0o600
PUBLIC = 0o644
SECRET_LINE = "# microblog.secret =\n"  # noqa: S105  # the line of the template that is replaced
TOOLBAR_KEYS = ("pyramid.includes", "debugtoolbar.")
WITHOUT_TOOLBAR = "# The debug toolbar needs: pip install 'microblog[development]'\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Write the commented ini files of a new site into FOLDER."""
    texts = {"development.ini": build_development_ini(), "production.ini": build_production_ini()}
    for name in texts:
        if (folder / name).exists():
            raise OperatorError(f"There is {folder / name} already: choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write(folder / name, text, PRIVATE if name == "production.ini" else PUBLIC)
    except OSError as error:
        raise OperatorError(
            f"Cannot write into {folder} ({error.strerror}): choose another folder."
        ) from error
    click.echo(
        f"""Made {folder / "development.ini"} and {folder / "production.ini"}.

To look at it on this machine:
    cd {shlex.quote(str(folder))}
    microblog serve --upgrade

To serve it to everybody, look through production.ini (it holds a secret: keep it to yourself), and set
microblog.url in it: redirects, and the sender of mails, are made from it. Then:
    microblog -c production.ini database upgrade
    microblog -c production.ini user add NICKNAME --admin
    microblog -c production.ini serve"""
    )


def read_template(name: str) -> str:
    return (resources.files("microblog.commands") / "scaffold" / name).read_text(encoding="utf-8")


def build_development_ini() -> str:
    """The file without the debug toolbar where that is not installed, so that it works."""
    lines = read_template("development.ini").splitlines(keepends=True)
    if importlib.util.find_spec(TOOLBAR) is not None:
        return "".join(lines)
    first = next(number for number, line in enumerate(lines) if TOOLBAR in line)
    quiet = [f"# {line}" if line.startswith(TOOLBAR_KEYS) else line for line in lines]
    return "".join([*quiet[:first], WITHOUT_TOOLBAR, *quiet[first:]])


def build_production_ini() -> str:
    """The file with a random secret."""
    return read_template("production.ini").replace(
        SECRET_LINE, f"microblog.secret = {secrets.token_urlsafe(32)}\n"
    )


def write(path: Path, text: str, mode: int) -> None:
    """Create a file that never has more permissions than `mode`."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
