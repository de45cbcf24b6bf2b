"""What an application has is typed: a registered utility, or an attribute that `Registry` declares."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.events import NewRequest
from pyramid.interfaces import IRequestExtensions

from microblog import configure
from microblog.request import Registry, Request
from tests.conftest import SETTINGS


def test_every_request_method_is_declared():
    config = configure(SETTINGS, environ={})
    config.make_wsgi_app()
    extensions = config.registry.getUtility(IRequestExtensions)
    assert {*extensions.methods, *extensions.descriptors} <= Request.__annotations__.keys()


def test_directives_take_effect_at_the_commit():
    """So conflicts are found, and a package that is included later replaces the entry."""
    config = configure(SETTINGS, environ={})
    before = {name: repr(value) for name, value in vars(config.registry).items()}
    config.add_observer(print)
    config.add_check_before_writing("nothing", print)
    config.add_content_source("img-src", "https://pictures.example")
    assert {name: repr(value) for name, value in vars(config.registry).items()} == before
    config.commit()
    assert print in config.registry.observers
    assert config.registry.checks_before_writing["nothing"] is print


def attributes(config: Configurator) -> set[str]:
    config.make_wsgi_app()
    return set(vars(config.registry))


def test_the_registry_has_no_attribute_that_is_not_declared():
    plain = Configurator(settings={})
    plain.add_directive("add_nothing", lambda config: None)
    plain.add_subscriber(lambda event: None, NewRequest)
    added = attributes(configure(SETTINGS, environ={})) - attributes(plain)
    assert added <= Registry.__annotations__.keys()
