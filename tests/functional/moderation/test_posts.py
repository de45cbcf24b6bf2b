"""Posts that moderators hide, show again and delete: one, or many at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.ids import new_id_at
from microblog.moderation.actions import Case, hide_posts
from microblog.moderation.models import AuditEntry
from microblog.posts.models import Post
from microblog.posts.publishing import UNDO_SECONDS
from microblog.posts.queries import add_posts
from tests.pictures import in_days
from tests.walk import bodies, enter, flashes, post_ids, write

from .test_suspending import mails
from .test_withholding import EXAMPLES, PATHS, site  # noqa: F401


def open_form(site, path="/admin/people/susan/posts"):  # noqa: F811
    return site.moderator.get(path).forms["posts-form"]


def change(site, do, *ids, reason="Spam", said="", status=303):  # noqa: F811
    form = open_form(site)
    for field in form.fields["post"]:
        field.checked = int(field._value) in ids
    form["reason"], form["said"] = reason, said
    return form.submit("do", value=do, status=status)


def counts(site):  # noqa: F811
    with site.database.read() as session:
        own = sa.select(User.posts_count).where(User.id == site.ids["susan"])
        answered = sa.select(Post.replies_count).where(Post.id == site.post)
        return session.scalar(own), session.scalar(answered)


def test_a_post_that_is_hidden_is_on_no_page_and_counts_nowhere(site):  # noqa: F811
    assert counts(site) == (2, 1)
    page = change(site, "hide", site.mine, site.answer).follow()
    assert flashes(page) == ["2 posts were changed."]
    assert counts(site) == (0, 0)
    for path, text in site.look_everywhere().items():
        assert "My kettle" not in text, path
        assert "An answer" not in text, path
    assert "answered you" not in site.look("/notifications/")
    for post in (site.mine, site.answer):
        assert "This post was deleted" in site.look(f"/posts/{post}")


def test_a_post_that_is_shown_again_is_as_before(site):  # noqa: F811
    before = site.look_everywhere()
    change(site, "hide", site.mine, site.answer)
    change(site, "show", site.mine, site.answer)
    assert site.look_everywhere() == before
    assert counts(site) == (2, 1)


def test_a_post_that_is_hidden_is_not_seen_by_its_author_either(site):  # noqa: F811
    change(site, "hide", site.mine)
    susan = site.people["susan"]
    susan.get(f"/posts/{site.mine}", status=410)
    assert bodies(susan.get("/users/susan")) == ["A kettle #tea"]  # which she has boosted


def test_a_hidden_post_stays_hidden_when_its_author_was_suspended_and_returns(site):  # noqa: F811
    change(site, "hide", site.mine)
    before = site.look_everywhere()
    site.suspend("susan")
    site.unsuspend("susan")
    assert site.look_everywhere() == before


def test_a_post_that_is_deleted_is_gone_and_the_trail_has_its_text(site):  # noqa: F811
    change(site, "hide", site.mine)
    change(site, "delete", site.mine, site.answer, said="No advertising.")
    assert counts(site) == (0, 0)
    with site.database.read() as session:
        assert session.scalars(sa.select(Post.id).where(Post.user_id == site.ids["susan"])).all() == []
        columns = (AuditEntry.action, AuditEntry.subject, AuditEntry.before)
        rows = session.execute(sa.select(*columns).order_by(AuditEntry.id)).all()
    assert rows[-2:] == [
        ("delete post", f"post:{site.mine}", '{"hidden": 1, "text": "My kettle #tea, @john"}'),
        ("delete post", f"post:{site.answer}", '{"hidden": null, "text": "An answer"}'),
    ]
    assert "My kettle #tea, @john" in site.moderator.get("/admin/audit/?person=susan")
    told = [mail for mail in mails(site.database) if mail.subject == "Your posts at microblog"]
    assert len(told) == 2
    assert "have deleted 2 posts of yours." in told[-1].text
    assert "No advertising." in told[-1].text


def test_posts_of_the_last_hour_are_changed_together(site):  # noqa: F811
    with in_days(-2):
        old = write_in(site)
    page = site.moderator.get("/admin/people/susan/posts")
    assert [box["value"] for box in page.html.select("[name=post]")] == [
        str(each) for each in (site.answer, site.mine, old)
    ]
    late = page.click("Of the last hour")
    assert [box["value"] for box in late.html.select("[name=post]")] == [str(site.answer), str(site.mine)]


def offered(page, which=""):
    return [int(box["value"]) for box in page.html.select(f"[name=post]{which}")]


def write_in(site):  # noqa: F811
    post_id = new_id_at(datetime.now(UTC))
    with site.database.write() as session:
        add_posts(session, [{"id": post_id, "user_id": site.ids["susan"], "body": "Old", "language": None}])
    return post_id


@pytest.mark.parametrize(
    ("ids", "reason", "do", "sentence"),
    [
        ([], "Spam", "hide", "Choose posts."),
        (["mine"], " ", "hide", "Say why: other moderators read it later."),
        (["mine"], "Spam", "burn", "This form is broken. Open the page again."),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_lost(site, ids, reason, do, sentence):  # noqa: F811
    chosen = [getattr(site, name) for name in ids]
    page = change(site, do, *chosen, reason=reason, said="Stop", status=422)
    assert sentence in page
    form = page.forms["posts-form"]
    assert form["said"].value == "Stop"
    assert [box["value"] for box in page.html.select("[name=post][checked]")] == [
        str(each) for each in chosen
    ]
    assert counts(site) == (2, 1)


def test_posts_of_others_are_not_changed_by_a_form_of_one_person(site):  # noqa: F811
    form = open_form(site)
    form["reason"] = "Spam"
    form.fields["post"][0].checked = True
    form.fields["post"][0]._value = str(site.post)
    page = form.submit("do", value="hide", status=303).follow()
    assert flashes(page) == ["0 posts were changed."]
    assert counts(site) == (2, 1)


def test_a_moderator_changes_no_posts_of_an_admin(site, enter_as):  # noqa: F811
    enter_as("grace", "admin")
    site.moderator.get("/admin/people/grace/posts", status=403)


def test_somebody_without_posts_has_a_page_that_says_so(site):  # noqa: F811
    assert "No posts" in site.moderator.get("/admin/people/mary/posts")


def test_nobody_is_told_of_a_post_that_was_hidden_before_its_publication(make_application):
    blog = make_application({UNDO_SECONDS.key: "100"})
    browsers = {name: blog.browser() for name in ("susan", "john")}
    ids = {name: enter(browser, name) for name, browser in browsers.items()}
    for number, is_hidden in enumerate((False, True)):
        post_id = post_ids(write(browsers["susan"], f"Number {number}, @john"))[0]
        if is_hidden:
            with blog.database.write() as session:
                assert hide_posts(session, Case(None, ids["susan"], "Spam"), [post_id]) == 1
    with in_days(1):
        while blog.registry.outbox.work():
            pass
    addresses = [mail.address for mail in mails(blog.database)]
    assert addresses == ["susan@example.com", "john@example.com"]  # of the other post
