"""Which line of the source is the one of a fault."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import add_user
from microblog.incidents.recording import locate_error
from microblog.request import Request
from microblog.security.gate import gate_tween
from microblog.security.headers import headers_tween


def caught(function, *arguments):
    with pytest.raises(Exception) as error:  # noqa: PT011  # whatever it is
        function(*arguments)
    return error.value


def test_a_fault_is_located_at_the_innermost_line_of_ours(database):
    def broken(session):
        add_user(session, None)  # type: ignore[arg-type]

    with database.read() as session:
        location = locate_error(caught(broken, session))
    assert location.startswith("microblog/accounts/")
    assert location.rpartition(":")[2].isdigit()


@pytest.mark.parametrize("make_tween", [gate_tween, headers_tween])
def test_no_fault_is_located_in_a_function_that_only_passes_on(application, make_tween):
    tween = make_tween(lambda request: sa.make_url(3), application.registry)  # type: ignore[arg-type]
    request = Request.blank("/")
    request.registry = application.registry
    assert locate_error(caught(tween, request)).startswith("engine/url.py:")


def test_a_fault_without_a_line_of_ours_is_located_where_it_was_raised():
    assert locate_error(caught(sa.make_url, 3)).startswith("engine/url.py:")
    assert locate_error(ValueError("never raised")) == "an unknown location"
