"""What a log-in page carries: what we signed comes back as it was, and anything else is no form."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog.security.redirects import check_next
from microblog.security.settings import SECRET
from microblog.submissions.kept import (
    KEPT,
    Sent,
    build_address,
    make_serializer,
    read_carried_form,
    sign_form,
)
from tests.conftest import TEST_SECRET

PATHS = st.from_regex(r"/([a-zA-Z0-9~!$&'()*+,;=:@._%-]{1,20}/?){0,3}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
FORMS = st.builds(
    Sent, PATHS, TEXTS, st.lists(st.tuples(TEXTS, TEXTS), max_size=5), st.none() | st.integers(1, 2**63 - 1)
)
# What another version of the site, with the same secret, may have signed.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=12,
)


def request(**post: Any) -> Any:
    return SimpleNamespace(
        microblog={SECRET: TEST_SECRET}, POST=post, script_name="", link=lambda: "/the front page"
    )


@given(FORMS)
def test_a_signed_form_is_read_as_it_was(sent):
    assert read_carried_form(request(carried=sign_form(request(), sent))) == sent


@given(TEXTS)
def test_a_value_that_we_did_not_sign_is_no_form(value):
    assert read_carried_form(request(carried=value)) is None


@given(FORMS, st.integers(0), st.characters(exclude_categories=["Cs"]))
def test_a_signed_form_that_was_changed_is_no_form(sent, position, character):
    value = sign_form(request(), sent)
    position %= len(value)
    changed = value[:position] + character + value[position + 1 :]
    form = read_carried_form(request(carried=changed))
    # The last bits of Base64 may be anything.
    assert form is None or form == sent


@given(VALUES)
def test_a_value_signed_by_another_version_is_a_form_or_none(value):
    form = read_carried_form(request(carried=make_serializer(request()).dumps(value)))
    assert form is None or isinstance(form, Sent)


@pytest.mark.parametrize("value", [None, "", 5, SimpleNamespace(filename="x.txt")])
def test_a_file_or_nothing_is_no_form(value):
    assert read_carried_form(request(carried=value)) is None
    assert read_carried_form(request()) is None


@given(FORMS)
def test_the_address_of_a_form_is_one_of_ours(sent):
    found = build_address(request(), sent, "token")
    assert found == "/the front page" or (check_next(found) == found and found.endswith(f"{KEPT}=token"))


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/" + "x" * 3_000])
def test_a_path_that_is_none_of_ours_leads_to_the_front_page(path):
    assert build_address(request(), Sent(path, "", ()), "token") == "/the front page"
