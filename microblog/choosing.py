"""What has one implementation out of several: that which a setting names, built in or by its dotted name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.util import DottedNameResolver
from zope.interface.exceptions import Invalid

from microblog.settings import Setting


def resolve_class(name: str, built_in: Mapping[str, str]) -> Any:
    """:raises ImportError, AttributeError, ValueError: when there is none."""
    return DottedNameResolver().resolve(built_in.get(name, name))


def choose(
    config: Any,
    setting: Setting[str],
    built_in: Mapping[str, str],
    interface: Any,
    get_class: Callable[[str], Any],
    set_chosen: Callable[[Any], None],
    *,
    make: Callable[[Any], Any] = lambda chosen_class: chosen_class(),
) -> bool:
    """`set_chosen` an object of the class that `setting` names. When that cannot be, its fault becomes one of
    the settings, and False is returned.

    `make` makes the object of the class.

    `get_class(name)` resolves a class, and raises as `resolve_class` does, or `Invalid` when it does not
    provide the interface.
    """
    settings = config.registry.microblog
    name = settings[setting]
    for other in built_in.keys() - {name}:  # their settings may stay in the ini file, for switching back
        config.declare_settings(*getattr(get_class(other), "SETTINGS", ()), in_use=False)
    try:
        set_chosen(make(get_class(name)))
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        problem = str(error) if name in built_in else f"cannot be imported: {error}"
        settings.add_fault(
            f"{setting.key} must be one of {', '.join(built_in)}, or a dotted name; {name!r}: {problem}"
        )
    except Invalid as error:
        settings.add_fault(f"{setting.key}: {name!r} does not provide {interface.__name__}: {error}")
    else:
        return True
    return False


def declare_settings_of(config: Any, chosen: Any) -> None:
    """Declare those settings of a chosen object that are not declared, or not in use, yet."""
    settings = config.registry.microblog
    declared = {setting for setting in settings if settings.is_in_use(setting)}
    if new := [setting for setting in chosen.SETTINGS if setting not in declared]:
        config.declare_settings(*new)
