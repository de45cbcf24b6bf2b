"""The ini file, read once into one frozen `Settings`.

A room declares its keys with `config.declare_settings(...)`. Each is a typed `Setting`, which
is also the key for its value: `settings[PAGE_SIZE]` is an `int`.

A value comes from the environment (`microblog.page_size` is `MICROBLOG_PAGE_SIZE`), else from the
ini file, else from the documented default. Wrong values, unknown `microblog.*` keys of the ini file and
missing secrets are collected and stop the start together, in one message.

Unknown variables only warn: the environment is not ours alone. For a Service called microblog,
Kubernetes sets MICROBLOG_PORT and a dozen others in each container.
"""

from __future__ import annotations

import difflib
import ipaddress
import logging
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

TOOLBAR = "pyramid_debugtoolbar"  # what may stand in pyramid.includes for developers alone
PREFIX = "microblog."
SIMILARITY = 0.7  # of the letters have to match
T = TypeVar("T")

log = logging.getLogger(__name__)

# What Kubernetes, and Docker's links, set for a Service called NAME: NAME_PORT=tcp://10.0.0.1:80.
SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
SERVICE_PORT = "_PORT"

# Environment variables of this prefix that are not settings: where the tests find their services,
# and the ini file that the command reads.
NOT_SETTINGS = ("MICROBLOG_TEST_", "MICROBLOG_CONFIG")


class SettingsError(Exception):
    """The settings are wrong; the message lists every fault, one a line."""


@dataclass(frozen=True, eq=False)
class Setting(Generic[T]):
    """One key of the ini file.

    `parse` makes a value of the text and raises `ValueError` with the end of a sentence
    ("must be …"). `default` is a value, not a text. A `secret` is masked wherever it is printed.
    """

    key: str
    parse: Callable[[str], T]
    default: T
    help: str
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable which overrides the ini file."""
        return self.key.upper().replace(".", "_")


class Settings(Mapping[Setting[Any], Any]):
    """Every setting in force; frozen once the application is built."""

    def __init__(self, ini: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> None:
        self._ini = ini
        self._environ = os.environ if environ is None else environ
        self._values: dict[Setting[Any], Any] = {}
        self._sources: dict[Setting[Any], str] = {}
        self._faults: list[str] = []
        self._warnings: list[str] = []
        self._not_in_use: set[Setting[Any]] = set()
        self._frozen = False

    def __getitem__(self, setting: Setting[T]) -> T:
        return cast(T, self._values[setting])

    def __iter__(self) -> Iterator[Setting[Any]]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get_source(self, setting: Setting[Any]) -> str:
        """Where the value comes from: "environment", "ini" or "default"."""
        return self._sources[setting]

    def is_in_use(self, setting: Setting[Any]) -> bool:
        """False for a setting of an adapter that is not chosen."""
        return setting not in self._not_in_use

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems that do not stop the start, one sentence each; complete once the settings are frozen."""
        return tuple(self._warnings)

    def log_warnings(self) -> None:
        for warning in self._warnings:
            log.warning("%s", warning)

    def declare(self, *settings: Setting[Any], in_use: bool = True) -> None:
        """Read these settings; a wrong value is a fault, which `freeze` raises.

        Unless they are `in_use`, a wrong value only causes a warning, and the default applies.
        """
        if self._frozen:
            raise RuntimeError("Settings are declared while the application is built, not later.")
        for setting in settings:
            text, source = self._find_text(setting)
            value = setting.default
            if text is not None:
                try:
                    value = setting.parse(text.strip())
                except ValueError as error:
                    shown = "its value" if setting.secret else repr(text)
                    sentence = f"{setting.key} {error}; {shown} ({source}) is not."
                    (self._faults if in_use else self._warnings).append(sentence)
            (self._not_in_use.discard if in_use else self._not_in_use.add)(setting)
            self._values[setting] = value
            self._sources[setting] = source

    def _find_text(self, setting: Setting[Any]) -> tuple[str | None, str]:
        if setting.variable in self._environ and not is_service_address(setting.variable, self._environ):
            return self._environ[setting.variable], "environment"
        if setting.key in self._ini:
            return str(self._ini[setting.key]), "ini"
        return None, "default"

    def add_fault(self, sentence: str) -> None:
        """Add a fault; `freeze` raises it together with the others."""
        self._faults.append(sentence)

    def freeze(self) -> None:
        """Close the list of settings.

        :raises SettingsError: with every fault, unknown keys included.
        """
        self._frozen = True
        keys = {setting.key: setting for setting in self}
        variables = {setting.variable: setting for setting in self}
        for key in self._ini:
            if key.startswith(PREFIX) and key not in keys:
                self.add_fault(f"{key} is not a setting.{suggest_name(key, keys)}")
        for name in sorted(self._environ):
            if not name.startswith(PREFIX.upper().replace(".", "_")) or name.startswith(NOT_SETTINGS):
                continue
            if is_service_address(name, self._environ):
                self._warnings.append(
                    f"{name} (environment) is ignored: it is the address of a service, as Kubernetes sets it."
                )
            elif name not in variables:
                self._warnings.append(
                    f"{name} (environment) is ignored: it is not a setting.{suggest_name(name, variables)}"
                )
        if self._faults:
            raise SettingsError("\n".join(self._faults))


def is_service_address(name: str, environ: Mapping[str, str]) -> bool:
    """Did Kubernetes set it? It may have the name of a setting (MICROBLOG_MAIL_SMTP_PORT)."""
    return name.endswith(SERVICE_PORT) and SERVICE_ADDRESS.fullmatch(environ[name]) is not None


def suggest_name(name: str, known: Mapping[str, object]) -> str:
    """A sentence that suggests a known name, or "" when none is similar.

    The prefix is not compared: with it, all names would be similar.
    """
    by_name = {key[len(PREFIX) :]: key for key in known}
    matches = difflib.get_close_matches(name[len(PREFIX) :], by_name, n=1, cutoff=SIMILARITY)
    return f" Did you mean {by_name[matches[0]]}?" if matches else ""


# Parsers of values in the ini file


def text(value: str) -> str:
    return value


def optional_text(value: str) -> str | None:
    return value or None


def boolean(value: str) -> bool:
    if value.lower() in ("true", "yes", "on", "1"):
        return True
    if value.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError("must be true or false")


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return number

    return parse


def number(least: float, most: float) -> Callable[[str], float]:
    """A number with or without decimals, such as 0.5."""

    def parse(value: str) -> float:
        try:
            parsed = float(value)
        except ValueError:
            parsed = math.nan
        if not least <= parsed <= most:
            raise ValueError(f"must be a number from {least:g} to {most:g}")
        return parsed

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return parse


def includeme(config: Any) -> None:
    config.registry.microblog = Settings(config.registry.settings, config.registry.environ)
    config.add_directive(
        "declare_settings",
        lambda config, *settings, in_use=True: config.registry.microblog.declare(*settings, in_use=in_use),
        action_wrap=False,
    )
    config.add_request_method(lambda request: request.registry.microblog, "microblog", property=True)


class Networks(tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]):
    """Addresses and networks; an address is a network of one."""

    __slots__ = ()

    def __str__(self) -> str:
        return " ".join(
            str(network.network_address if network.num_addresses == 1 else network) for network in self
        )

    def allow(self, address: str) -> bool:
        """Is the address in one of these? True when there are none; False for text that is no address."""
        if not self:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        # A socket for both families shows 127.0.0.1 as ::ffff:127.0.0.1.
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self)


def networks(value: str) -> Networks:
    """Addresses and networks, separated by spaces or commas: `127.0.0.1 10.0.0.0/8 ::1`."""
    try:
        return Networks(ipaddress.ip_network(item) for item in value.replace(",", " ").split())
    except ValueError:
        raise ValueError(
            "must be addresses or networks, such as 127.0.0.1 10.0.0.0/8, separated by spaces"
        ) from None


def optional_path(value: str) -> Path | None:
    return Path(value) if value else None
