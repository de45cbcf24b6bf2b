"""Reads an ini file as UTF-8 in every locale, in a folder of any name.

PasteDeploy's own loader treats the path as a URL (a `#` or `?` ends it), opens the file in the encoding of
the locale, and does not escape a `%` of the folder in `%(here)s`.
"""

from __future__ import annotations

import io
import logging
from logging.config import fileConfig
from pathlib import Path
from typing import Any

from paste.deploy import loadwsgi
from plaster import PlasterURL
from plaster_pastedeploy import ConfigDict, Loader

from microblog.errors import OperatorError

ENCODING = "utf-8-sig"  # with or without a byte order mark


class LogError(OperatorError):
    """The log cannot be set up; the message is a sentence."""


class IniFile(Loader):
    """
    :raises OSError: when the file cannot be read.
    :raises UnicodeDecodeError: when it is not UTF-8.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(PlasterURL("file+ini", str(path.absolute())))
        self._text = path.read_text(encoding=ENCODING)

    def get_wsgi_app(self, name: Any = None, defaults: Any = None) -> Any:
        return self._get_context(name, defaults).create()

    def get_wsgi_app_settings(self, name: Any = None, defaults: Any = None) -> Any:
        config = self._get_context(name, defaults).config()
        return ConfigDict(config.local_conf, config.global_conf, self)

    def setup_logging(self, defaults: Any = None) -> None:
        if "loggers" not in self.get_sections():
            logging.basicConfig()
            return
        fileConfig(io.StringIO(self._text), self._get_defaults(defaults), disable_existing_loggers=False)

    def _get_context(self, name: Any, defaults: Any) -> Any:
        return self._parse(self._get_defaults(defaults)).get_context(loadwsgi.APP, name)

    def _get_parser(self, defaults: Any = None) -> Any:
        return self._parse(self._get_defaults(defaults)).parser

    def _get_defaults(self, defaults: Any = None) -> Any:
        """With each % escaped as %%, as the parser needs it."""
        found = super()._get_defaults(defaults)
        return {key: str(value).replace("%", "%%") for key, value in found.items()}

    def _parse(self, defaults: dict[str, str]) -> Any:
        return ParsedIniFile(self.filepath, self._text, defaults)


class ParsedIniFile(loadwsgi.ConfigLoader):
    """PasteDeploy's loader for a text that has been read already."""

    def __init__(self, filename: str, text: str, defaults: dict[str, str]) -> None:
        self.filename = filename
        self.parser = loadwsgi.NicerConfigParser(filename, defaults=defaults)
        self.parser.optionxform = str
        self.parser.read_string(text, source=filename)


def set_up_log(ini: IniFile, name: Path) -> None:
    """Log as the ini file says; `name` is its path as the operator gave it, for messages.

    :raises LogError: when the log cannot be set up.
    """
    try:
        ini.setup_logging()
    except OSError as error:
        raise LogError(
            f"The log cannot be written ({error.strerror}: {error.filename}): make its folder, "
            f"or change [handler_…] of {name}."
        ) from error
    except (ValueError, TypeError, KeyError, NameError, SyntaxError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LogError(
            f"The log cannot be set up ({reason}): correct what follows [loggers] in {name}."
        ) from error
