"""What one sees of notifications, and does with them."""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import Profile, change_profile
from microblog.notifications.actions import tell_about_oneself
from microblog.notifications.models import NoticeChoice, Notification, NotificationGroup
from microblog.notifications.settings import DAYS
from microblog.notifications.tasks import delete_old
from microblog.people.actions import block, follow, mute
from microblog.posts.actions import delete, write
from microblog.reactions.actions import boost, like, unlike
from microblog.web.pages import PAGE_SIZE
from tests.competing import before_the_next_write
from tests.conftest import counted_statements
from tests.functional.notifications.conftest import DAY, Site, sentences
from tests.walk import enter, flashes, token


def press(page, label: str, line: int = 0, *, status: int = 303):
    """Press a button of a line, or of the page; the answer."""
    form = page.forms["mark-form"]
    buttons = [each for each in page.html.select("button[name=until]") if each.get_text() == label]
    button = buttons[line]
    fields = [(name, value) for name, value in form.submit_fields() if name != "until"]
    address = button.get("formaction", form.action)
    return page.test_app.post(address, [*fields, ("until", button["value"])], status=status)


def test_with_nothing_to_tell_the_page_says_what_it_is_for(site):
    page = site.show()
    assert page.html.select_one(".empty-title").get_text() == "Nothing new yet"
    assert "mark-form" not in page.forms
    assert page.html.select_one("[data-unread-count]").get_text() == ""
    assert page.html.select_one("[data-unread-label]").get_text() == "Notifications"
    assert page.html.select_one(".nav-notifications [aria-current=page]")


def test_one_click_leads_to_what_it_is_about_and_marks_it_as_read(site, john):
    reply = site.do(write, john, "Mine hums all day long.", reply_to=site.post)
    site.do(follow, john, site.susan)
    page = site.show()
    assert press(page, "Look").location == "http://localhost/users/john"
    assert site.read() == ["john follows you now", "New: john answered you"]
    answer = press(site.show(), "Mine hums all day long.")
    assert answer.location == f"http://localhost/posts/{reply}"
    assert answer.follow().html.select_one("[data-unread-count]").get_text() == ""
    assert site.read() == ["john follows you now", "john answered you"]
    assert not site.show().html.select(".notification-read, .notification-unread")


def test_of_several_new_followers_one_click_leads_to_all(site, john):
    for person in (john, *site.add("mary", "lucy")):
        site.do(follow, person, site.susan)
    assert site.read() == ["New: lucy and 2 others follow you now"]
    assert press(site.show(), "Look").location == "http://localhost/users/susan/followers"


def test_a_line_links_to_who_did_it_and_to_what_it_is_about(site, john):
    site.do(boost, john, site.post)
    line = site.show().html.select_one(".notification")
    links = [link["href"] for link in line.select("a")]
    assert links == ["/users/john", f"/posts/{site.post}"]
    assert line.select_one(".notification-open").get_text() == "Mine whistles."


def test_what_is_opened_by_a_get_asks_and_changes_nothing(site, john):
    site.do(like, john, site.post)
    group = site.show().html.select_one(".notification-open")["formaction"].split("/")[-2]
    for name in ("open", "read"):
        page = site.show(f"/notifications/{group}/{name}")
        assert page.html.h1.get_text() == "Mark this notification as read?"
        assert page.html.select_one("blockquote").get_text() == "Mine whistles."
    assert site.show("/notifications/read").html.h1.get_text() == "Mark all notifications as read?"
    assert site.count() == 1
    page = site.show(f"/notifications/{group}/read")
    assert page.forms["mark-form"].submit(status=303).location == "http://localhost/notifications/"
    assert site.count() == 0


def test_all_are_marked_on_a_page_of_its_own_too(site, john):
    site.do(like, john, site.post)
    answer = site.show("/notifications/read").forms["mark-form"].submit(status=303).follow()
    assert flashes(answer) == ["Everything is marked as read."]
    assert site.count() == 0


def test_one_is_marked_and_the_others_stay_unread(site, john):
    site.do(like, john, site.post)
    site.do(boost, john, site.post)
    page = press(site.show(), "Mark as read", line=1).follow()
    assert sentences(page) == ["New: john boosted your post", "john liked your post"]
    assert page.html.select_one("[data-unread-count]").get_text() == "1"


def test_what_happened_after_the_page_was_shown_stays_unread(site, john):
    """In two tabs, or while one reads."""
    mary, lucy = site.add("mary", "lucy")
    site.do(like, john, site.post)
    page = site.show()
    site.do(like, mary, site.post)
    site.do(follow, mary, site.susan)
    press(page, "Mark as read")
    assert site.read() == ["New: mary follows you now", "New: mary and 1 other liked your post"]
    press(page, "Mark all as read")
    assert site.count() == 2
    press(site.show(), "Mark all as read")
    assert site.count() == 0
    press(page, "Mark as read")
    assert site.count() == 0, "what is read stays read"
    site.do(like, lucy, site.post)
    assert site.count() == 1


def test_what_happens_while_it_is_marked_stays_unread(site, database, john):
    mary = site.add("mary")[0]
    site.do(like, john, site.post)
    page = site.show("/notifications/read")
    with before_the_next_write(database, partial(site.do, like, mary, site.post)):
        page.forms["mark-form"].submit(status=303)
    assert site.count() <= 1
    site.do(boost, mary, site.post)
    assert site.read()[0] == "New: mary boosted your post"


def test_marked_twice_it_is_read(site, john):
    site.do(like, john, site.post)
    page = site.show()
    for label in ("Mark as read", "Mark all as read"):
        for _ in range(2):
            press(page, label)
        assert site.count() == 0


@pytest.mark.parametrize("name", ["read", "open"])
def test_nobody_marks_the_notifications_of_others(site, application, john, name):
    site.do(like, john, site.post)
    group = site.show().html.select_one(".notification-open")["formaction"].split("/")[-2]
    other = application.browser()
    enter(other, "mallory")
    fields = {"csrf_token": token(other), "until": ""}
    other.post(f"/notifications/{group}/{name}", fields, status=404)
    other.post("/notifications/read", fields, status=303)
    assert site.count() == 1


@pytest.mark.parametrize("until", ["abc", "-1", "1.5", "9" * 30, "0x1", "\x00"])
def test_a_damaged_form_is_refused_and_changes_nothing(site, john, until):
    site.do(like, john, site.post)
    page = site.show()
    open_button = page.html.select_one(".notification-open")["formaction"]
    fields = dict(page.forms["mark-form"].submit_fields())
    for address in (open_button, open_button.replace("open", "read"), "/notifications/read"):
        answer = site.browser.post(address, {**fields, "until": until}, status=422)
        assert "This form is damaged." in answer.html.select_one(".error-summary").get_text()
    assert site.count() == 1


def test_an_until_of_the_future_marks_what_there_is(site, john):
    site.do(like, john, site.post)
    fields = dict(site.show().forms["mark-form"].submit_fields())
    site.browser.post("/notifications/read", {**fields, "until": str(2**63 - 1)}, status=303)
    assert site.count() == 0
    site.do(boost, john, site.post)
    assert site.count() == 1


@pytest.mark.parametrize("name", ["abc", "01", "0", "-5", "999", "9" * 30])
def test_there_is_no_line_of_another_name(site, name):
    site.browser.get(f"/notifications/{name}/open", status=404)


def test_what_is_gone_meanwhile_is_not_found(site, john):
    reply = site.do(write, john, "Mine hums.", reply_to=site.post)
    page = site.show()
    site.do(delete, reply, john)
    press(page, "Mine hums.", status=404)
    site.do(like, john, site.post)
    page = site.show()
    site.do(unlike, john, site.post)
    press(page, "Mine whistles.", status=404)


def test_a_line_of_somebody_hidden_meanwhile_is_not_found(site, john):
    site.do(write, john, "Mine hums.", reply_to=site.post)
    page = site.show()
    site.do(block, john, site.susan)
    press(page, "Mine hums.", status=404)
    assert site.show().html.select(".empty")


# Pages of it


def make_pages(make_application) -> Site:
    application = make_application({PAGE_SIZE.key: "2"})
    browser = application.browser()
    susan = enter(browser, "susan")
    with application.database.write() as session:
        posts = [write(session, susan, f"Post {number}") for number in range(5)]
    site = Site(application, browser, susan, posts[0])
    for person in site.add("john", "mary"):
        for post in posts:
            site.do(like, person, post)
    return site


def walk(site: Site, *, label: str, page):
    shown = []
    while True:
        shown.append([each.get_text() for each in page.html.select(".notification-open")])
        if not page.html.find("a", string=label):
            return shown, page
        page = page.click(label)


def test_a_group_is_on_one_page_and_each_is_on_some_page(make_application):
    """Though the likes of all posts are one after another, and the same people like each."""
    site = make_pages(make_application)
    shown, last = walk(site, label="Older notifications", page=site.show())
    assert shown == [["Post 4", "Post 3"], ["Post 2", "Post 1"], ["Post 0"]]
    assert sentences(last) == ["New: mary and 1 other liked your post"]
    back, _ = walk(site, label="Newer notifications", page=last)
    assert back == shown[::-1]


def test_pages_go_on_where_the_reader_sees_nothing_of_many(make_application):
    site = make_pages(make_application)
    pest = site.add("pest")[0]
    for number in range(60):
        site.do(write, pest, f"@susan {number}")
    site.do(mute, site.susan, pest)
    shown, _ = walk(site, label="Older notifications", page=site.show())
    assert [text for texts in shown for text in texts] == [f"Post {number}" for number in (4, 3, 2, 1, 0)]
    assert site.count() == 5


def test_before_the_first_one_there_is_nothing_older(site, john):
    site.do(like, john, site.post)
    assert "There is nothing older." in site.show("/notifications/?before=9").text
    site.browser.get("/notifications/?before=abc", status=400)


# How much


def like_by_many(site: Site, number: int) -> None:
    """So many people like the post, without waiting for each of them."""
    with site.acting() as session:
        first = (session.scalar(sa.select(sa.func.max(User.id))) or 0) + 1
        like(session, site.add_now(session, "first"), site.post)
        group, latest = session.execute(sa.select(NotificationGroup.id, NotificationGroup.latest)).one()
        people = range(first + 1, first + number)
        if people:
            rows = [{"id": n, "nickname": f"p{n}", "member_since": site.now()} for n in people]
            session.execute(sa.insert(User), rows)
            told = [{"group_id": group, "actor_id": n, "id": latest} for n in people]
            session.execute(sa.insert(Notification), told)


def test_ten_thousand_likes_cost_what_a_hundred_do(site, database):
    like_by_many(site, 10_000)
    with counted_statements(database) as statements:
        page = site.show()
    assert "and more than 99 others liked your post" in sentences(page)[0]
    assert len(statements) == 5  # who reads; the lines; who did it; the posts; the numbers of the header
    assert site.count() == 1


@pytest.mark.parametrize(("number", "said"), [(1, "first"), (2, "1 other"), (100, "99 others")])
def test_people_are_counted_up_to_a_hundred(site, number, said):
    like_by_many(site, number)
    assert said in site.read()[0]
    assert "more than" not in site.read()[0]


def test_more_than_a_hundred_people_are_not_counted(site):
    like_by_many(site, 101)
    assert "and more than 99 others liked your post" in site.read()[0]


def test_from_a_hundred_on_the_header_says_99_plus(site, john):
    with site.acting() as session:
        posts = [write(session, john, f"@susan {number}") for number in range(100)]
    page = site.show("/explore")
    assert page.html.select_one("[data-unread-count]").get_text() == "99+"
    assert page.html.select_one("[data-unread-label]").get_text() == "Notifications: more than 99 unread"
    site.do(delete, posts[0], john)
    assert site.show("/explore").html.select_one("[data-unread-count]").get_text() == "99"


def test_a_page_of_lines_takes_as_many_statements_as_one_line(site, database, john):
    site.do(like, john, site.post)
    with counted_statements(database) as one:
        site.show()
    mary = site.add("mary")[0]
    for number in range(10):
        post = site.do(write, site.susan, f"Post {number}")
        for person in (john, mary):
            site.do(like, person, post)
            site.do(boost, person, post)
    with counted_statements(database) as many:
        assert len(site.read()) == 21
    assert len(one) == len(many) == 5


@pytest.mark.parametrize("path", ["/", "/explore", "/users/susan", "/users/", "/preferences", "/search?q=x"])
def test_the_count_is_one_statement_on_each_page_of_a_person_and_none_for_a_visitor(site, database, path):
    site.show(path)
    with counted_statements(database) as statements:
        site.show(path)
    assert sum("notification" in sql for sql in statements) == 1
    with counted_statements(database) as statements:
        site.application.browser().get(path)
    assert sum("notification" in sql for sql in statements) == 0


# The script asks


def test_who_asks_again_gets_a_304_until_something_has_changed(site, john):
    answer = site.browser.get("/notifications/count")
    assert answer.json == {"count": 0, "shown": "", "label": "Notifications"}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    site.do(like, john, site.post)
    same = {"If-None-Match": answer.headers["ETag"]}
    answer = site.browser.get("/notifications/count", headers=same)
    assert answer.json == {"count": 1, "shown": "1", "label": "Notifications: 1 unread"}
    same = {"If-None-Match": answer.headers["ETag"]}
    again = site.browser.get("/notifications/count", headers=same, status=304)
    assert again.body == b""
    german = site.browser.get("/notifications/count", headers={**same, "Accept-Language": "de"})
    assert german.json["count"] == 1


def test_to_ask_takes_two_statements_and_writes_nothing(site, database):
    with site.acting() as session:
        long_ago = sa.text("UPDATE sessions SET seen = :then").bindparams(
            sa.bindparam("then", type_=User.last_seen.type)
        )
        session.execute(long_ago, {"then": site.now() - site.hours(1)})
        before = session.scalar(sa.select(User.last_seen))
    site.application.registry.deferred.flush()
    with counted_statements(database) as statements:
        site.count()
    assert len(statements) == 2
    assert site.application.registry.deferred.flush() == 0, "an open page is not a reader"
    site.show("/explore")
    assert site.application.registry.deferred.flush() == 1
    with site.acting() as session:
        assert session.scalar(sa.select(User.last_seen)) != before


def test_a_visitor_is_not_told_how_many(application):
    application.browser().get("/notifications/count", status=303)


def test_the_page_of_an_error_is_shown_where_the_count_cannot_be_read(site, database):
    with database.writing.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE notification_groups RENAME TO elsewhere")
    try:
        page = site.browser.get("/nowhere", status=404)
        assert page.html.select_one("[data-unread-count]").get_text() == ""
    finally:
        with database.writing.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO notification_groups")


# What people want


def test_what_is_switched_off_is_not_kept_and_switched_on_it_is_told_again(site, john):
    form = site.show("/account/notices").forms["notices-form"]
    boxes = {box._value: box for box in form.fields["site"]}
    assert list(boxes) == ["answer", "message", "mention", "follow", "like", "boost"]
    assert all(box.checked for box in boxes.values())
    boxes["like"].checked = boxes["mention"].checked = False
    page = form.submit(status=303).follow()
    assert flashes(page) == ["Your choice has been saved."]
    boxes = {box._value: box for box in page.forms["notices-form"].fields["site"]}
    assert [name for name, box in boxes.items() if not box.checked] == ["mention", "like"]
    site.do(like, john, site.post)
    site.do(write, john, "@susan")
    site.do(boost, john, site.post)
    assert site.read() == ["New: john boosted your post"]
    boxes["like"].checked = True
    page.forms["notices-form"].submit(status=303)
    mary = site.add("mary")[0]
    site.do(like, mary, site.post)
    assert site.read()[0] == "New: mary liked your post"


def test_all_may_be_switched_off(site, john):
    form = site.show("/account/notices").forms["notices-form"]
    for box in form.fields["site"]:
        box.checked = False
    form.submit(status=303)
    site.do(write, john, "@susan", reply_to=site.post)
    site.do(follow, john, site.susan)
    assert site.read() == []
    with site.acting() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(NoticeChoice)) == 6


def test_a_kind_that_there_is_not_is_refused(site):
    fields = {"csrf_token": token(site.browser), "site": "dinner"}
    page = site.browser.post("/account/notices", fields, status=422)
    assert "Choose from the list." in page.html.select_one(".error-summary").get_text()


def test_each_kind_is_a_fieldset_with_a_legend(site):
    page = site.show("/account/notices")
    legends = [each.get_text() for each in page.html.select("fieldset > legend")]
    assert legends == [
        "Somebody answers you",
        "Somebody writes to you",
        "Somebody mentions you",
        "Somebody follows you",
        "Somebody likes a post of yours",
        "Somebody boosts a post of yours",
        "Somebody logs in as you in a new browser",
        "When mails come",
    ]


def test_another_package_adds_a_kind_and_a_channel(make_application):
    def extend(config):
        config.add_notification_kind(
            "export",
            label="Your data is ready",
            template="microblog.notifications:templates/mention.jinja2",
            link=lambda request, notification: request.link("account", "profile"),
            order=60,
        )
        config.add_notice_channel("sms", "By telephone", by_default=False)

    application = make_application(extend=extend)
    browser = application.browser()
    susan = enter(browser, "susan")
    site = Site(application, browser, susan, 0)
    site.do(tell_about_oneself, "export", susan)
    assert site.read() == ["New: susan mentioned you"]
    assert press(site.show(), "Look").location == "http://localhost/account/profile"
    form = site.show("/account/notices").forms["notices-form"]
    assert [box.checked for box in form.fields["sms"]] == [False] * 7
    assert [box.checked for box in form.fields["site"]] == [True] * 7
    form.fields["sms"][0].checked = True
    form.fields["site"][6].checked = False
    page = form.submit(status=303).follow()
    assert [box.checked for box in page.forms["notices-form"].fields["sms"]] == [True] + [False] * 6
    site.do(tell_about_oneself, "export", susan, cause=2)
    assert len(site.read()) == 1


# What is old


def age(site: Site, days: int) -> None:
    """All groups of now are so many days old; their ids, too."""
    with site.acting() as session:
        shift = days * DAY
        for row in session.execute(sa.select(NotificationGroup.__table__)).mappings().all():
            older = {**row, "id": row["id"] - shift, "latest": row["latest"] - shift, "day": -days}
            session.execute(sa.insert(NotificationGroup).values(**older))
            told = sa.update(Notification).where(Notification.group_id == row["id"])
            session.execute(told.values(group_id=older["id"], id=Notification.id - shift))
            session.execute(sa.delete(NotificationGroup).where(NotificationGroup.id == row["id"]))


def test_old_notifications_are_deleted_and_those_of_now_are_kept(site, application, john):
    for person in site.add("mary", "lucy", "nils"):
        site.do(like, person, site.post)
    age(site, 91)
    site.do(boost, john, site.post)
    assert len(site.read()) == 2
    assert delete_old(application.registry)
    assert not delete_old(application.registry)
    assert site.read() == ["New: john boosted your post"]


def test_old_notifications_are_deleted_in_steps(site, application):
    for person in site.add("mary", "lucy", "nils"):
        site.do(like, person, site.post)
    age(site, 91)
    left = []
    while delete_old(application.registry, limit=2):
        with application.database.read() as session:
            left.append(session.scalar(sa.select(sa.func.count()).select_from(Notification)))
    assert left == [1, 0]
    assert site.read() == []


def test_an_old_group_of_which_nobody_is_left_is_deleted(site, application, john):
    site.do(like, john, site.post)
    with site.acting() as session:
        session.execute(sa.delete(User).where(User.id == john))
    age(site, 91)
    assert delete_old(application.registry)
    assert not delete_old(application.registry)


def test_a_visitor_is_asked_to_log_in_for_a_line(application):
    assert "/login" in application.browser().get("/notifications/5/open", status=303).location


def test_with_zero_days_they_are_kept_for_ever(make_application):
    application = make_application({DAYS.key: "0"})
    browser = application.browser()
    site = Site(application, browser, enter(browser, "susan"), 0)
    site.do(follow, site.add("john")[0], site.susan)
    age(site, 4_000)
    assert not delete_old(application.registry)
    assert site.read() == ["New: john follows you now"]


def test_a_nickname_from_right_to_left_stands_in_a_sentence_of_the_other_way(site, john):
    site.do(change_profile, john, Profile("john", "أدا", ""))
    site.do(like, john, site.post)
    page = site.browser.get("/notifications/", headers={"Accept-Language": "ar"})
    assert page.html.html["dir"] == "rtl"
    assert page.html.select_one(".notification-sentence bdi").get_text() == "أدا"
