"""Tags: their pages, following them, and those of the week."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from microblog.db import StaleData
from microblog.ids import LARGEST, get_first_id_at, get_now, to_timestamp
from microblog.posts.actions import delete
from microblog.posts.backfilling import fill_older_posts
from microblog.posts.models import Backfill
from microblog.posts.queries import add_posts
from microblog.tags.actions import MOST_FOLLOWED, follow_tag
from microblog.tags.models import FollowedTag, PostTag, WeeklyTag
from microblog.tags.tasks import MOST_TAGS_OF_THE_WEEK, count_tags_of_the_week
from tests.walk import bodies, enter, flashes, post_ids, write


def tags(page):
    """(address, words) of the tags in the posts of a page."""
    return [(a["href"], a.get_text()) for a in page.html.select(".post-body a.tag")]


def user_id(application, nickname):
    with application.database.read() as session:
        return session.scalar(sa.text("SELECT user_id FROM nicknames WHERE key = :key"), {"key": nickname})


def count(application, model):
    with application.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_tag_leads_to_its_posts_in_any_script_and_spelling(susan, browser):
    write(susan, "#Café in Berlin")
    page = write(susan, "#cafe, #чай and #شاي; not #1 or a#b")
    assert tags(page)[:3] == [
        ("/tags/cafe", "#cafe"),
        (f"/tags/{quote('чаи')}", "#чай"),
        (f"/tags/{quote('شاي')}", "#شاي"),
    ]
    assert all(a["dir"] == "auto" for a in page.html.select(".post-body a.tag"))
    assert bodies(browser.get("/tags/cafe")) == ["#cafe, #чай and #شاي; not #1 or a#b", "#Café in Berlin"]
    for spelling in ("CAFE", "Café", "#cafe", "CAFÉ"):
        moved = browser.get(f"/tags/{quote(spelling)}?after=1", status=301)
        assert moved.location.endswith("/tags/cafe?after=1")
    assert browser.get(f"/tags/{quote('чаи')}").html.h1.get_text() == "#чаи"
    assert "No post has this tag yet" in browser.get("/tags/coffee").text
    for no_tag in ("1", "a b", "a-b", "a" * 101, "%00", "%F0%9F%91%8D", "..."):
        browser.get(f"/tags/{no_tag}", status=404)
    browser.get("/tags/cafe?before=x", status=400)


def test_a_page_of_a_tag_follows_edits_and_deletions(make_application):
    application = make_application({"microblog.page_size": "2", "microblog.posts.max_tags": "2"})
    susan = application.browser()
    enter(susan, "susan")
    for number in range(5):
        write(susan, f"#tea {number}")
    page = susan.get("/tags/tea")
    assert bodies(page) == ["#tea 4", "#tea 3"]
    assert bodies(page.click("Older posts")) == ["#tea 2", "#tea 1"]
    assert "You have reached the beginning" in susan.get("/tags/tea?before=1").text
    newest, other = post_ids(page)
    form = susan.get(f"/posts/{newest}/edit").forms["edit-form"]
    form["body"] = "#coffee now"
    form.submit(status=303)
    with application.database.write() as session:
        delete(session, other, user_id(application, "susan"))
    assert bodies(susan.get("/tags/tea")) == ["#tea 2", "#tea 1"]
    assert bodies(susan.get("/tags/coffee")) == ["#coffee now"]
    form = susan.get("/").forms["compose-form"]
    form["body"] = "#one #two #three"
    page = form.submit(status=422)
    assert "This has too many tags: a post can have 2 tags." in page.text
    assert page.forms["compose-form"]["body"].value == "#one #two #three"
    write(susan, "#one #two #ONE")
    with application.database.write() as session:
        session.execute(sa.text("DELETE FROM users"))
    assert count(application, PostTag) == 0


def test_a_tag_is_followed_twice_without_harm_and_its_posts_come_home(susan, john, browser, application):
    write(john, "#tea is ready")
    write(john, "coffee is not")
    for _ in range(2):
        form = susan.get("/tags/tea/follow").forms["follow-tag-form"]
        page = form.submit(status=303).follow()
        assert flashes(page) == ["You follow #tea now."]
    assert "Following" in page.forms["follow-tag-form"].text
    assert bodies(susan.get("/")) == ["#tea is ready"]
    write(john, "Green #Tea is #green")
    susan.get("/tags/green/follow").forms["follow-tag-form"].submit(status=303)
    susan.get("/users/john/follow").forms["follow-form"].submit(status=303)
    assert bodies(susan.get("/")) == ["Green #Tea is #green", "coffee is not", "#tea is ready"]
    susan.get("/tags/green/unfollow").forms["follow-tag-form"].submit(status=303)
    susan.get("/users/john/unfollow").forms["follow-form"].submit(status=303)
    assert bodies(susan.get("/")) == ["Green #Tea is #green", "#tea is ready"]
    assert "#tea" in susan.get("/tags/").html.select_one("[aria-labelledby=followed-tags]").get_text()
    for _ in range(2):
        form = susan.get("/tags/tea/unfollow").forms["follow-tag-form"]
        assert flashes(form.submit(status=303).follow()) == ["You no longer follow #tea."]
    assert bodies(susan.get("/")) == []
    assert count(application, FollowedTag) == 0
    assert browser.get("/tags/tea/follow", status=303).location.endswith("/login?next=%2Ftags%2Ftea%2Ffollow")
    assert "follow-tag-form" not in browser.get("/tags/tea")
    moved = susan.get("/tags/Tea/follow", status=301)
    assert moved.location.endswith("/tags/tea/follow")


def test_so_many_tags_are_followed_and_no_more(susan, application):
    mine = [
        {"user_id": user_id(application, "susan"), "tag": f"tag{number}"} for number in range(MOST_FOLLOWED)
    ]
    with application.database.write() as session:
        session.execute(sa.insert(FollowedTag), mine)
    form = susan.get("/tags/tea/follow").forms["follow-tag-form"]
    assert f"You follow {MOST_FOLLOWED} tags" in form.submit(status=409).text
    susan.get("/tags/tag1/follow").forms["follow-tag-form"].submit(status=303)
    with application.database.write() as session:
        session.execute(sa.text("DELETE FROM users"))
    assert count(application, FollowedTag) == 0
    with pytest.raises(StaleData), application.database.write() as session:
        follow_tag(session, mine[0]["user_id"], "tea")


def test_the_tags_of_the_week_are_counted_by_the_worker_by_their_authors(susan, john, browser, application):
    assert "Nobody has used a tag within a week" in browser.get("/tags/").text
    for text in ("#tea #milk", "#tea", "#milk"):
        write(susan, text)
    write(john, "#milk #nuts")
    long_ago = get_first_id_at(to_timestamp(get_now()) - timedelta(days=8))
    with application.database.write() as session:
        row = {"id": long_ago, "user_id": user_id(application, "john"), "body": "#tea", "language": None}
        add_posts(session, [row])
        session.execute(sa.insert(PostTag).values(tag="tea", post_id=long_ago))
        session.execute(sa.insert(WeeklyTag), [{"tag": "old", "people": 9}, {"tag": "tea", "people": 9}])

    def list_weekly(path):
        return [li.get_text(" ", strip=True) for li in browser.get(path).html.select(".tags li")]

    assert list_weekly("/explore") == ["#old 9 people", "#tea 9 people"]
    for _ in range(2):
        count_tags_of_the_week(application.registry)
        for path in ("/explore", "/tags/"):
            assert list_weekly(path) == ["#milk 2 people", "#nuts 1 person", "#tea 1 person"]
    assert list_weekly("/explore?lang=en") == []
    many = [{"tag": f"t{number}", "post_id": long_ago} for number in range(20)]
    with application.database.write() as session:
        session.execute(sa.delete(PostTag))
    count_tags_of_the_week(application.registry)
    assert count(application, WeeklyTag) == 0
    with application.database.write() as session:
        newest = {"id": get_first_id_at(to_timestamp(get_now())), "user_id": user_id(application, "john")}
        add_posts(session, [{**newest, "body": "x", "language": None}])
        session.execute(sa.insert(PostTag), [{**each, "post_id": newest["id"]} for each in many])
    count_tags_of_the_week(application.registry)
    assert count(application, WeeklyTag) == MOST_TAGS_OF_THE_WEEK


def test_the_worker_finds_the_tags_of_older_posts(susan, application):
    row = {"id": 5 << 20, "user_id": user_id(application, "susan"), "body": "#tea", "language": None}
    with application.database.write() as session:
        add_posts(session, [row])
        session.execute(sa.delete(Backfill))
        session.execute(sa.insert(Backfill).values(name="tags", before=LARGEST))
    while fill_older_posts(application.registry):
        pass
    assert bodies(susan.get("/tags/tea")) == ["#tea"]
