"""People report posts, pictures and each other; moderators decide, and whoever wants to know is told."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from microblog.accounts.departures import carry_out
from microblog.media.shown import ShownPictures
from microblog.moderation.models import AuditEntry, ReportCase
from microblog.moderation.settings import REASONS
from microblog.people.actions import block
from microblog.posts.actions import write as write_post
from tests.pictures import keep_pictures
from tests.walk import enter, flashes, post_ids, write

from .test_suspending import do as do_to_person
from .test_suspending import mails


@pytest.fixture
def maria(enter_as):
    return enter_as("maria", "moderator")


@pytest.fixture
def john(enter_as):
    return enter_as("john")


@pytest.fixture
def susan(enter_as):
    browser = enter_as("susan")
    browser.post_id = post_ids(write(browser, "Buy tea"))[0]
    return browser


def report(browser, path, reason="spam", note="", wants_answer=True, status=303, **more):
    form = browser.get(path).forms["report-form"]
    if reason is not None:
        form["reason"] = reason
    form["note"], form["wants_answer"] = note, wants_answer
    for name, value in more.items():
        form[name] = value
    return form.submit(status=status)


def report_post(browser, post_id, **more):
    return report(browser, f"/posts/{post_id}/report", **more)


def cases(browser, state="open"):
    """The names of the cases of a list."""
    page = browser.get(f"/admin/reports/?state={state}")
    return [link.get_text() for link in page.html.select(".choices a")]


def open_case(browser, state="open"):
    """The newest case of a list."""
    return browser.get(f"/admin/reports/?state={state}").click(href=r"/admin/reports/\d+$", index=0)


def decide(page, do, status=303, **texts):
    form = page.forms["case-form"]
    for name, value in texts.items():
        form[name] = value
    return form.submit("do", value=do, status=status)


# Reporting


def test_somebody_reports_a_post_from_its_page(john, susan, maria):
    page = john.get(f"/posts/{susan.post_id}").click("Report")
    assert "Buy tea" in page.html.blockquote.get_text()
    page = report_post(john, susan.post_id, note="Every day").follow()
    assert flashes(page) == ["Thank you. The moderators look at it."]
    assert cases(maria) == ["A post of susan"]
    case = open_case(maria)
    for text in ("Buy tea", "It is spam or advertising.", "Every day", "john", "wants an answer"):
        assert text in case.html.main.get_text()


def test_whoever_reports_stays_unknown_to_whom_it_is_about(john, susan, maria):
    report_post(john, susan.post_id)
    for path in ("/notifications/", f"/posts/{susan.post_id}", "/account/"):
        assert "john" not in susan.get(path).html.main.get_text()


def test_somebody_reports_a_person_from_their_profile(john, susan, maria):
    page = john.get("/users/susan").click("Report")
    assert page.html.h1.get_text() == "Report susan?"
    report(john, "/users/susan/report", reason="abuse")
    assert cases(maria) == ["The account susan"]


def test_a_picture_of_a_post_is_a_case_of_its_own(john, susan, maria, application):
    pictures = ShownPictures(tuple(keep_pictures(application, susan.id, ["A cup", ""])))
    with application.database.write() as session:
        post_id = write_post(session, susan.id, "Look", pictures=pictures)
    page = john.get(f"/posts/{post_id}/report")
    assert [label.get_text(strip=True) for label in page.html.select("fieldset:first-of-type label")] == [
        *("The whole post", "A cup", "Picture 2")
    ]
    report_post(john, post_id, about="2")
    report_post(john, post_id, about="")
    assert cases(maria) == ["A post of susan", "Picture 2 of a post of susan"]


def test_alike_reports_are_one_case_and_nobody_reports_twice(john, susan, maria, enter_as):
    report_post(john, susan.post_id)
    page = report_post(john, susan.post_id).follow()
    assert flashes(page) == ["You have reported this already, and the moderators look at it."]
    report_post(enter_as("mary"), susan.post_id, reason="law")
    assert cases(maria) == ["A post of susan"]
    reported = [item.strong.get_text() for item in open_case(maria).html.select(".choices li")]
    assert reported == ["It is against the law.", "It is spam or advertising."]


def test_after_a_case_is_closed_the_same_is_reported_anew(john, susan, maria):
    report_post(john, susan.post_id)
    decide(open_case(maria), "close", reason="Harmless")
    report_post(john, susan.post_id)
    assert (cases(maria), cases(maria, "closed")) == (["A post of susan"], ["A post of susan"])


def test_a_reason_is_needed_and_what_was_typed_is_not_lost(john, susan):
    page = report_post(john, susan.post_id, reason=None, note="Every day", status=422)
    assert "Choose what is wrong with it." in page
    assert page.forms["report-form"]["note"].value == "Every day"
    page = report_post(john, susan.post_id, note="x" * 1001, status=422)
    assert "1,000" in page


@pytest.mark.parametrize("fields", [{"about": "1"}, {"about": "x"}])
def test_a_picture_that_is_not_there_cannot_be_reported(john, susan, fields):
    page = john.get(f"/posts/{susan.post_id}/report")
    token = page.forms["report-form"]["csrf_token"].value
    answer = john.post(
        f"/posts/{susan.post_id}/report", {"reason": "spam", "csrf_token": token, **fields}, status=422
    )
    assert "This form is broken." in answer


def test_nobody_reports_what_is_their_own(susan):
    for path in (f"/posts/{susan.post_id}/report", "/users/susan/report"):
        assert "This is your own." in susan.get(path, status=403)
    assert "Report" not in [link.get_text() for link in susan.get(f"/posts/{susan.post_id}").html.select("a")]


def test_visitors_do_not_report(susan, application):
    visitor = application.browser()
    assert "/login" in visitor.get(f"/posts/{susan.post_id}/report", status=303).location
    assert not visitor.get(f"/posts/{susan.post_id}").html.select('a[href$="/report"]')


def test_somebody_who_is_blocked_or_has_blocked_is_reported_too(john, susan, maria, application):
    with application.database.write() as session:
        block(session, john.id, susan.id)
    john.get("/users/susan", status=403).click("Report")
    report(john, "/users/susan/report", reason="abuse")
    assert cases(maria) == ["The account susan"]


def test_the_operator_sets_the_reasons(make_application):
    site = make_application({REASONS.key: "Not about tea\nRude; Rude"})
    browsers = {name: site.browser() for name in ("john", "susan")}
    for name, browser in browsers.items():
        enter(browser, name)
    page = browsers["john"].get("/users/susan/report")
    assert [label.get_text(strip=True) for label in page.html.select("#reason label")] == [
        "Not about tea",
        "Rude",
    ]
    report(browsers["john"], "/users/susan/report", reason="Rude")


def test_very_many_reports_are_refused(make_application):
    site = make_application({"microblog.limits.reports.per_account": "1 per hour"})
    browsers = {name: site.browser() for name in ("john", "susan", "mary")}
    for name, browser in browsers.items():
        enter(browser, name)
    report(browsers["john"], "/users/susan/report")
    page = report(browsers["john"], "/users/mary/report", status=429)
    assert "You have reported very much in a short time." in page


def test_somebody_without_an_address_is_not_offered_an_answer(john, susan, application):
    with application.database.write() as session:
        session.execute(
            sa.text("UPDATE users SET email = NULL, email_key = NULL WHERE id = :id"), {"id": john.id}
        )
    assert "wants_answer" not in john.get("/users/susan/report").forms["report-form"].fields


# Deciding


def test_a_moderator_claims_a_case_and_gives_it_back(john, susan, maria):
    report_post(john, susan.post_id)
    page = decide(open_case(maria), "claim").follow()
    assert flashes(page) == ["It is yours now: other moderators see that you look at it."]
    assert "Claimed by maria" in page.html.select_one(".lead").get_text()
    assert cases(maria, "mine") == ["A post of susan"]
    page = decide(page, "give-back").follow()
    assert flashes(page) == ["Anybody can look at it now."]
    assert (cases(maria, "mine"), cases(maria)) == ([], ["A post of susan"])


def test_of_two_moderators_at_once_one_is_too_late(john, susan, maria, enter_as):
    other = enter_as("mona", "moderator")
    report_post(john, susan.post_id)
    pages = [open_case(browser) for browser in (maria, other)]
    mine = decide(pages[0], "claim").follow()
    assert "Somebody was quicker" in decide(pages[1], "claim", status=409)
    assert "Somebody was quicker" in decide(pages[1], "close", reason="Spam", status=409)
    page = open_case(other)
    assert "Take it away from them" in page
    decide(page, "give-back")
    decide(open_case(other), "claim")
    decide(open_case(other), "close", reason="Spam")
    assert "Somebody was quicker" in decide(pages[0], "close", reason="Spam", status=409)
    assert "Somebody was quicker" in decide(mine, "give-back", status=409)


def test_a_closed_case_is_opened_again(john, susan, maria):
    report_post(john, susan.post_id)
    decide(open_case(maria), "close", reason="Harmless", decision="It is allowed.")
    page = open_case(maria, "closed")
    assert "It is allowed." in page.html.main.get_text()
    page = decide(page, "reopen").follow()
    assert flashes(page) == ["The case is open again, and yours."]
    assert cases(maria, "mine") == ["A post of susan"]


def test_a_case_is_not_opened_again_beside_a_new_one_about_the_same(john, susan, maria):
    report_post(john, susan.post_id)
    decide(open_case(maria), "close", reason="Harmless")
    report_post(john, susan.post_id)
    page = open_case(maria, "closed")
    assert "Somebody was quicker" in decide(page, "reopen", status=409)


def test_whoever_wants_to_know_is_told_by_mail_what_was_decided(john, susan, maria, enter_as, database):
    report_post(john, susan.post_id)
    report_post(enter_as("mary"), susan.post_id, wants_answer=False)
    decide(open_case(maria), "close", reason="Spam", decision="We have spoken with her.")
    told = [mail for mail in mails(database) if "report" in mail.subject]
    assert [(mail.address, mail.subject) for mail in told] == [
        ("john@example.com", "What became of your report at microblog")
    ]
    assert "You have reported a post of susan." in told[0].text
    assert "We have spoken with her." in told[0].text


def test_a_report_of_a_person_says_so_in_its_answer(john, susan, maria, database):
    report(john, "/users/susan/report")
    decide(open_case(maria), "close", reason="Fine")
    assert "You have reported the account susan." in mails(database)[-1].text


@pytest.mark.parametrize(("do", "sentence"), [("hide", "hidden"), ("delete", "deleted")])
def test_the_post_is_hidden_or_deleted_and_the_case_closed_at_once(
    john, susan, maria, database, do, sentence
):
    report_post(john, susan.post_id)
    page = decide(open_case(maria), do, reason="Spam", said="No advertising.", decision="Thank you.").follow()
    assert flashes(page) == [f"The post is {sentence}, and the case closed."]
    john.get(f"/posts/{susan.post_id}", status=410)
    assert [mail.address for mail in mails(database)] == ["susan@example.com", "john@example.com"]
    with database.read() as session:
        entries = session.execute(
            sa.select(AuditEntry.action, AuditEntry.reason).order_by(AuditEntry.id)
        ).all()
    assert entries[-2:] == [(f"{do} post", "Spam"), ("close report", "Spam")]


def test_a_case_about_a_post_that_is_gone_can_only_be_closed(john, susan, maria):
    report_post(john, susan.post_id)
    page = open_case(maria)
    susan.get(f"/posts/{susan.post_id}/delete").forms["delete-form"].submit()
    assert "Buy tea" in open_case(maria)  # its text is kept for moderators
    assert "Somebody was quicker" in decide(page, "hide", reason="Spam", status=409)
    decide(page, "close", reason="She has deleted it")


def test_closing_takes_a_reason_and_what_was_typed_is_not_lost(john, susan, maria):
    report_post(john, susan.post_id)
    page = decide(open_case(maria), "close", decision="Thank you.", status=422)
    assert "Say why: other moderators read it later." in page
    assert page.forms["case-form"]["decision"].value == "Thank you."
    assert "This form is broken." in decide(page, "burn", reason="Spam", status=422)


def test_a_moderator_does_nothing_to_the_post_of_an_admin(john, maria, enter_as):
    grace = enter_as("grace", "admin")
    post_id = post_ids(write(grace, "Mine"))[0]
    report_post(john, post_id)
    page = decide(open_case(maria), "hide", reason="Spam", status=403)
    assert "This is an admin." in page
    assert page.forms["case-form"]["reason"].value == "Spam"
    assert cases(maria) == ["A post of grace"]
    john.get(f"/posts/{post_id}", status=200)


def test_a_moderator_neither_sees_nor_decides_a_case_about_themselves(john, maria, enter_as):
    mona = enter_as("mona", "moderator")
    report(john, "/users/maria/report", reason="abuse")
    case = open_case(mona)
    assert cases(maria) == []
    assert "This case is about you" in maria.get(case.request.path, status=403)
    token = maria.get("/").html.select_one("input[name=csrf_token]")["value"]
    maria.post(case.request.path, {"do": "claim", "csrf_token": token}, status=403)
    for moderator, shown in ((maria, False), (mona, True)):
        text = moderator.get("/admin/people/maria").html.main.get_text()
        assert ("The account maria" in text) == shown


def test_cases_are_on_the_page_of_the_person_and_find_them(john, susan, maria):
    assert maria.get("/admin/people/?state=reported").html.select(".choices a") == []
    report_post(john, susan.post_id)
    found = maria.get("/admin/people/?state=reported").html.select(".choices a")
    assert [link.get_text() for link in found] == ["susan"]
    assert "A post of susan" in [
        link.get_text() for link in maria.get("/admin/people/susan").html.select("a")
    ]


def test_there_is_no_page_of_a_case_that_there_is_not(maria):
    maria.get("/admin/reports/7", status=404)
    maria.get("/admin/reports/x", status=404)
    assert "No cases" in maria.get("/admin/reports/")


def test_reports_of_whoever_was_deleted_are_gone_and_the_trail_is_there(
    john, susan, maria, database, application
):
    report_post(john, susan.post_id)
    decide(open_case(maria), "claim")
    do_to_person(maria, "susan", "delete")
    while carry_out(application.registry):
        pass
    assert cases(maria) == []
    with database.read() as session:
        assert session.scalars(sa.select(ReportCase.id)).all() == []
        actions = session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-2:] == ["claim report", "delete"]
