"""Reporting a post or a person; `/admin/reports/`: what moderators do with that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from pyramid.httpexceptions import HTTPConflict, HTTPForbidden, HTTPSeeOther

from microblog.db import StaleData
from microblog.i18n import Message, _
from microblog.moderation import report_actions as actions
from microblog.moderation import report_queries as queries
from microblog.moderation.actions import Refused
from microblog.moderation.forms import CaseForm, ReportForm
from microblog.moderation.report_actions import Complaint, Ending
from microblog.moderation.report_queries import CaseRow, ReportRow, Subject
from microblog.moderation.resources import CasePage, ReportsPage
from microblog.moderation.settings import REASONS
from microblog.moderation.texts import describe_hold
from microblog.paging import KeyCursor, parse_id
from microblog.people.resources import BlockedPerson, Person
from microblog.posts.post_actions import draw_link
from microblog.posts.queries import PostRow
from microblog.posts.resources import PostPage
from microblog.request import Request
from microblog.security.limits.counting import count_request
from microblog.web.pages import page_view
from microblog.web.paging import Keyset, read_page

LIMIT = "reports"
ON_A_PAGE = 50
CASES = Keyset[CaseRow, int](lambda case: case.id, parse_id, goes_back=True)
REPORTS = Keyset[ReportRow, int](lambda row: row.id, parse_id, goes_back=True)
USUAL_REASONS: Mapping[str, Message] = {
    "spam": _("It is spam or advertising."),
    "abuse": _("It insults or threatens somebody."),
    "law": _("It is against the law."),
    "rules": _("It is against the rules of this site."),
    "other": _("Something else."),
}
OWN = _("This is your own.")
THANKS = _("Thank you. The moderators look at it.")
TWICE = _("You have reported this already, and the moderators look at it.")
QUICKER = _("Somebody was quicker: this case is not any more as you saw it. Look at it again.")
STATES: Mapping[str, Message] = {
    queries.OPEN: _("Open"),
    queries.MINE: _("Claimed by me"),
    queries.CLOSED: _("Closed"),
}


def list_reasons(request: Request) -> Mapping[str, str]:
    """What can be chosen, as it is kept and as it is shown: the operator's, or the usual ones."""
    return {reason: reason for reason in request.microblog[REASONS]} or USUAL_REASONS


@page_view(
    context=PostPage,
    name="report",
    methods=("GET", "POST"),
    permission="report",
    renderer="templates/report.jinja2",
)
def report_post(page: PostPage, request: Request) -> Any:
    """A post, or one of its pictures."""
    post = page.post
    form = ReportForm(request, reasons=list_reasons(request), pictures=len(post.pictures.pictures))
    subject = actions.name_post(post, form.picture)
    return report(request, form, subject, post=post, back=request.link("posts", post.id))


@page_view(
    context=Person,
    name="report",
    methods=("GET", "POST"),
    permission="report",
    renderer="templates/report.jinja2",
)
@page_view(
    context=BlockedPerson,
    name="report",
    methods=("GET", "POST"),
    permission="report",
    renderer="templates/report.jinja2",
)
def report_person(page: Person | BlockedPerson, request: Request) -> Any:
    """Also somebody whom one has blocked, or by whom one was blocked."""
    person = page.person
    form = ReportForm(request, reasons=list_reasons(request))
    subject = actions.name_person(person.id)
    return report(request, form, subject, person=person, back=request.link("users", person.nickname))


def report(request: Request, form: ReportForm, subject: Subject, *, back: str, **shown: Any) -> Any:
    me = request.me
    if subject.person_id == me.id:
        raise HTTPForbidden(OWN)
    if request.method != "POST" or not form.validate():
        if request.method == "POST":
            request.response.status_int = 422
        return {
            "form": form,
            "reasons": list_reasons(request),
            "back": back,
            "has_mail": me.email is not None,
            "page_name": "",
            "post": None,
            "person": None,
            **shown,
        }
    count_request(request, LIMIT)
    complaint = Complaint(form.get_text("reason"), form.get_text("note"), bool(form.wants_answer.data))
    is_new = actions.report(request.begin_write(), me.id, subject, complaint)
    request.flash(THANKS if is_new else TWICE, "success" if is_new else "info")
    return HTTPSeeOther(location=back)


# For moderators


@page_view(context=ReportsPage, renderer="templates/cases.jinja2")
def list_cases(page: ReportsPage, request: Request) -> Any:
    state = request.GET.get("state", "")
    state = state if state in STATES else queries.OPEN

    def fetch(cursor: KeyCursor[int], limit: int) -> list[CaseRow]:
        return queries.list_cases(request.dbsession, state, request.me.id, cursor, limit)

    kept = {} if state == queries.OPEN else {"state": state}
    listed = read_page(request, CASES, fetch, size=ON_A_PAGE, **kept)
    return {
        "rows": listed.rows,
        "states": STATES,
        "chosen": state,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


@page_view(context=CasePage, renderer="templates/case.jinja2")
def show_case(page: CasePage, request: Request) -> Any:
    return make_case_page(page, request, CaseForm(request))


@page_view(context=CasePage, methods=("POST",), permission="moderate", renderer="templates/case.jinja2")
def change_case(page: CasePage, request: Request) -> Any:
    form, case, me = CaseForm(request), page.case, request.me
    if not form.validate():
        request.response.status_int = 422
        return make_case_page(page, request, form)
    do = form.get_text("do")
    session = request.begin_write()
    try:
        if do in SIMPLE:
            SIMPLE[do](session, me, case)
        else:
            ending = Ending(*(form.get_text(name) for name in ("reason", "said", "decision")))
            actions.close(session, me, case, ending, None if do == "close" else do)
    except StaleData:
        request.give_up_write()
        raise HTTPConflict(QUICKER) from None
    except Refused as refused:
        request.give_up_write()
        form.form_errors.append(refused.sentence)
        request.response.status_int = 403
        return make_case_page(page, request, form)
    request.flash(DONE[do])
    there = (str(case.id),) if do in SIMPLE else ("",)
    return HTTPSeeOther(location=request.link("admin", "reports", *there))


SIMPLE = {"claim": actions.claim, "give-back": actions.give_back, "reopen": actions.reopen}
DONE: Mapping[str, Message] = {
    "claim": _("It is yours now: other moderators see that you look at it."),
    "give-back": _("Anybody can look at it now."),
    "reopen": _("The case is open again, and yours."),
    "close": _("The case is closed."),
    "hide": _("The post is hidden, and the case closed."),
    "show": _("The post is shown, and the case closed."),
    "delete": _("The post is deleted, and the case closed."),
}


def make_case_page(page: CasePage, request: Request, form: CaseForm) -> dict[str, Any]:
    case = page.case

    def fetch(cursor: KeyCursor[int], limit: int) -> list[ReportRow]:
        return queries.list_reports(request.dbsession, case.id, cursor, limit)

    listed = read_page(request, REPORTS, fetch, size=ON_A_PAGE)
    return {
        "form": form,
        "case": case,
        "rows": listed.rows,
        "reasons": USUAL_REASONS,
        "describe_hold": describe_hold,
        "is_mine": case.claimed_by == request.me.id,
        "newer_url": listed.previous_url,
        "older_url": listed.next_url,
        "page_name": "admin",
    }


# Links


def is_page_of(request: Request, post: PostRow) -> bool:
    """Is this the page of the post, and not a list?"""
    context = request.context
    return isinstance(context, PostPage) and context.post.id == post.id


def may_report(request: Request, post: PostRow) -> bool:
    me = request.identity
    return me is not None and me.id != post.author_id and is_page_of(request, post)


def may_moderate(request: Request, post: PostRow) -> bool:
    me = request.identity
    return me is not None and (me.is_admin or me.is_moderator) and is_page_of(request, post)


def draw_report_link(request: Request, post: PostRow) -> Markup:
    return draw_link(request, post, "report", request.language.catalogue.pgettext("button", "Report"))


def draw_moderate_link(request: Request, post: PostRow) -> Markup:
    return draw_link(request, post, "moderate", request.language.catalogue.pgettext("button", "Moderate"))


def includeme(config: Any) -> None:
    config.add_limit(
        LIMIT,
        what="Reports",
        refusal=_("You have reported very much in a short time."),
        per_account="20 per hour",
    )
    config.add_post_action("report", draw=draw_report_link, order=95, shown=may_report)
    config.add_post_action("moderate", draw=draw_moderate_link, order=96, shown=may_moderate)
    config.add_person_action(
        "report", "microblog.moderation:templates/person_links.jinja2", order=90, for_blocked=True
    )
