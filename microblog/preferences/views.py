"""`/preferences`: kept with the person, and in the browser, where a visitor has their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from microblog.i18n import _
from microblog.preferences import queries
from microblog.preferences.forms import make_form, read_chosen
from microblog.request import Request
from microblog.security.cookies import set_cookie
from microblog.security.redirects import get_next_page
from microblog.tree import Root
from microblog.web.forms import Form
from microblog.web.languages import (
    LONGEST_PREFERENCES,
    PREFERENCES_COOKIE,
    choose_language,
    read_preferences,
    write_preferences,
)
from microblog.web.pages import page_view

COOKIE_SECONDS = 400 * 86_400  # what browsers keep at most
SAVED = _("Your preferences have been saved.")
TOO_MUCH = _("This is more than can be kept. Choose fewer languages.")


@page_view(
    context=Root,
    name="preferences",
    methods=("GET", "POST"),
    repeatable=True,
    renderer="templates/preferences.jinja2",
)
def preferences(root: Root, request: Request) -> Any:
    form = make_form(request)
    if request.method != "POST":
        return make_page(request, form)
    is_valid = form.validate()
    chosen = read_chosen(form)
    text = write_preferences(chosen)
    # What other pages have noted has no field here, and stays.
    noted = {} if request.identity is None else read_preferences(request.identity.preferences)
    text_of_person = write_preferences({**without_fields(form, noted), **chosen})
    if len(text_of_person) > LONGEST_PREFERENCES:
        form.form_errors.append(TOO_MUCH)
    if not is_valid or form.errors:
        request.response.status_int = 422
        return make_page(request, form)
    if request.identity is not None:
        queries.save_preferences(request.begin_write(), request.identity.id, text_of_person)
    # In the language that was chosen just now
    accepted = request.environ.get("HTTP_ACCEPT_LANGUAGE", "")
    language = choose_language(request.registry, chosen.get("language", ""), accepted)
    request.flash(language.catalogue.translate(SAVED))
    response = HTTPSeeOther(location=get_next_page(request) or request.link("preferences"))
    set_cookie(request, response, PREFERENCES_COOKIE, text, COOKIE_SECONDS)
    return response


def without_fields(form: Form, noted: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in noted.items() if name not in form}


def make_page(request: Request, form: Form) -> dict[str, Any]:
    fields = [
        (preference, form[name], preference.list_choices(request))
        for name, preference in request.registry.preferences.items()
    ]
    return {"form": form, "fields": fields, "next": get_next_page(request), "page_name": "preferences"}
