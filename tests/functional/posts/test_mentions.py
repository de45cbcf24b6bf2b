"""Mentions: who is found in a post, how they are shown, and where they find them."""

from __future__ import annotations

import sqlalchemy as sa

from microblog.ids import LARGEST
from microblog.posts.actions import import_posts
from microblog.posts.backfilling import fill_older_posts
from microblog.posts.mention_queries import get_backfill
from microblog.posts.models import Backfill, Mention
from microblog.posts.queries import add_posts, delete_own_post
from tests.walk import bodies, enter, post_ids, write


def links(page):
    """(address, words) of the mentions on a page."""
    return [(a["href"], a.get_text()) for a in page.html.select(".post-body a.mention")]


def rename(browser, nickname):
    form = browser.get("/account/profile").forms["profile-form"]
    form["nickname"] = nickname
    form.submit(status=303)


def count_mentions(application):
    with application.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Mention))


def user_id(application, nickname):
    with application.database.read() as session:
        return session.scalar(sa.text("SELECT user_id FROM nicknames WHERE key = :key"), {"key": nickname})


def test_only_people_are_links_and_by_the_nickname_that_they_have_now(susan, john, browser):
    page = write(john, "@Susan knows @decorator, @nobody. and susan@example.org, @susan too")
    assert links(page) == [("/users/susan", "@susan"), ("/users/susan", "@susan")]
    assert bodies(page) == ["@susan knows @decorator, @nobody. and susan@example.org, @susan too"]
    rename(susan, "Sue")
    write(john, "@sue was @susan")
    expected = ["@Sue was @Sue", "@Sue knows @decorator, @nobody. and susan@example.org, @Sue too"]
    for path in ("/explore", "/users/john"):
        assert bodies(browser.get(path)) == expected
    assert set(links(browser.get("/explore"))) == {("/users/Sue", "@Sue")}
    mentions = susan.get("/users/susan/mentions", status=301).follow()
    assert bodies(mentions) == expected  # each once
    post = post_ids(mentions)[0]
    assert links(browser.get(f"/posts/{post}")) == [("/users/Sue", "@Sue")] * 2
    assert links(john.get(f"/posts/{post}/delete")) == [("/users/Sue", "@Sue")] * 2


def test_mentions_are_for_oneself(susan, john, browser):
    assert "Nobody has mentioned you yet" in susan.get("/users/susan/mentions").text
    assert 'href="/users/susan/mentions"' not in john.get("/users/susan")
    assert 'href="/users/susan/mentions"' in susan.get("/users/susan")
    assert "shown to themselves only" in john.get("/users/susan/mentions", status=403).text
    assert browser.get("/users/susan/mentions", status=303).location.endswith(
        "/login?next=%2Fusers%2Fsusan%2Fmentions"
    )
    john.get("/users/nobody/mentions", status=404)


def test_whoever_has_blocked_somebody_is_not_mentioned_by_them(susan, john):
    write(john, "@susan before")
    susan.get("/users/john/block").forms["relation-form"].submit(status=303)
    assert links(write(john, "@susan after")) == [("/users/susan", "@susan")]
    assert bodies(susan.get("/users/susan/mentions")) == []
    susan.get("/users/john/unblock").forms["relation-form"].submit(status=303)
    assert bodies(susan.get("/users/susan/mentions")) == ["@susan before"]


def test_mentions_are_paged_and_go_with_their_posts(make_application):
    application = make_application({"microblog.page_size": "2"})
    susan, john = application.browser(), application.browser()
    enter(susan, "susan")
    enter(john, "john")
    for number in range(5):
        write(john, f"@susan {number}")
        write(john, "@john")
    page = susan.get("/users/susan/mentions")
    assert bodies(page) == ["@susan 4", "@susan 3"]
    older = page.click("Older posts")
    assert bodies(older) == ["@susan 2", "@susan 1"]
    assert bodies(older.click("Newer posts")) == ["@susan 4", "@susan 3"]
    assert "You have reached the beginning" in susan.get("/users/susan/mentions?before=1").text
    author = user_id(application, "john")
    with application.database.write() as session:
        delete_own_post(session, post_ids(page)[0], author)
    assert bodies(susan.get("/users/susan/mentions")) == ["@susan 3", "@susan 2"]
    with application.database.write() as session:
        session.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": author})
    assert count_mentions(application) == 0


def test_replies_and_imported_posts_mention_and_an_edit_replaces_whom(susan, john, application):
    post = post_ids(write(susan, "What do you read?"))[0]
    form = john.get(f"/posts/{post}").forms[f"reply-form-{post}"]
    form["body"] = "@susan A book"
    form.submit(status=303)
    row = {"user_id": user_id(application, "john"), "language": None, "form_key": "1"}
    with application.database.write() as session:
        import_posts(session, [{**row, "id": 5 << 20, "body": "Long ago: @susan"}])
    assert bodies(susan.get("/users/susan/mentions")) == ["@susan A book", "Long ago: @susan"]
    for text, of_susan, of_john in (
        ("@john was it, @nobody", ["@susan A book"], ["@john was it, @nobody"]),
        ("@john was it", ["@susan A book"], ["@john was it"]),
        ("It was nobody", ["@susan A book"], []),
    ):
        form = john.get(f"/posts/{5 << 20}/edit").forms["edit-form"]
        form["body"] = text
        form.submit(status=303)
        assert bodies(susan.get("/users/susan/mentions")) == of_susan
        assert bodies(john.get("/users/john/mentions")) == of_john


def test_too_many_mentions_are_refused_and_kept(make_application):
    application = make_application(
        {"microblog.posts.max_mentions": "2", "microblog.posts.max_length": "5000"}
    )
    susan = application.browser()
    enter(susan, "susan")
    form = susan.get("/").forms["compose-form"]
    for text in ("@one @two @three", "".join(f"@n{number} " for number in range(1100))):
        form["body"] = text.strip()
        page = form.submit(status=422)
        assert "This mentions too many people: a post can mention 2 people." in page.text
        assert page.forms["compose-form"]["body"].value == text.strip()
    assert bodies(write(susan, "@one @two @One")) == ["@one @two @One"]


def test_a_page_reads_all_mentions_by_one_statement_and_none_when_there_can_be_none(
    susan, john, count_statements
):
    write(john, "Nothing")
    with count_statements() as without:
        john.get("/explore")
    for number in range(3):
        write(john, f"@susan {number}")
    with count_statements() as with_some:
        assert len(links(john.get("/explore"))) == 3
    assert len(with_some) == len(without) + 1


def test_the_worker_finds_the_mentions_of_older_posts(susan, application):
    author = user_id(application, "susan")
    rows = [
        {"id": number << 20, "user_id": author, "body": f"@susan {number}", "language": None}
        for number in range(1, 6)
    ]
    with application.database.write() as session:
        add_posts(session, rows)
        session.execute(sa.delete(Backfill))
        session.execute(sa.insert(Backfill).values(name="mentions", before=LARGEST))
    assert bodies(susan.get("/users/susan/mentions")) == []
    assert "@susan 5" in susan.get("/users/susan").text
    assert fill_older_posts(application.registry, limit=2)
    assert bodies(susan.get("/users/susan/mentions")) == ["@susan 5", "@susan 4"]
    while fill_older_posts(application.registry, limit=2):
        pass
    assert bodies(susan.get("/users/susan/mentions")) == [f"@susan {number}" for number in range(5, 0, -1)]
    with application.database.write() as session:
        assert get_backfill(session, "mentions") is None


def test_people_to_mention_are_found_by_the_beginning_of_their_nickname(application, susan, count_statements):
    for nickname in ("bob", "Bo_", "boris", "carla", "b_b", *(f"bz{number}" for number in range(9))):
        enter(application.browser(), nickname)
    for nickname in ("boris", "bz8"):
        susan.get(f"/users/{nickname}/follow").forms["follow-form"].submit(status=303)

    def offer(q):
        return [each["nickname"] for each in susan.get("/users/by-beginning", {"q": q}).json["people"]]

    assert offer("bo") == ["boris", "Bo_", "bob"]
    assert offer("BO_") == ["Bo_"]
    assert offer("") == ["bz8", "boris", "b_b", "Bo_", "bob", "bz0", "bz1", "bz2"]
    assert offer("nobody") == offer("a b") == offer("a" * 31) == offer("\x00") == []
    with count_statements() as statements:
        offer("b")
    assert len(statements) == 3  # with that of the identity
    for number in range(8):
        susan.get(f"/users/bz{number}/follow").forms["follow-form"].submit(status=303)
    assert offer("bz") == [f"bz{number}" for number in reversed(range(8))]
    assert (
        application.browser()
        .get("/users/by-beginning?q=b", status=303)
        .location.endswith("by-beginning%3Fq%3Db")
    )
