"""Who is told what, by what others do."""

from __future__ import annotations

from functools import partial

import pytest
import sqlalchemy as sa

from microblog.accounts.queries import Profile, add_user, change_profile
from microblog.events import notify
from microblog.ids import get_now, new_id_at_milliseconds
from microblog.notifications.models import Notification, NotificationGroup
from microblog.outbox.models import Entry
from microblog.people.actions import block, follow, mute, unblock, unfollow, unmute
from microblog.posts.actions import PUBLISHING, delete, edit, import_posts, write
from microblog.posts.events import PostPublished
from microblog.reactions.actions import bookmark, boost, like, unboost, unlike
from tests.conftest import counted_statements
from tests.functional.notifications.conftest import Site
from tests.walk import enter


def test_who_follows_mentions_answers_likes_and_boosts_is_told_of_and_counted(site, john):
    """Told in the transaction of its cause, and counted on every page."""
    site.do(follow, john, site.susan)
    site.do(write, john, "@susan look at this")
    site.do(write, john, "And mine hums.", reply_to=site.post)
    site.do(like, john, site.post)
    site.do(boost, john, site.post)
    site.do(bookmark, john, site.post)
    assert site.read() == [
        "New: john boosted your post",
        "New: john liked your post",
        "New: john answered you",
        "New: john mentioned you",
        "New: john follows you now",
    ]
    assert site.count() == 5
    label = site.browser.get("/explore").html.select_one("[data-unread-label]")
    assert label.get_text() == "Notifications: 5 unread"


def test_what_is_rolled_back_has_told_nobody(site, john):
    def like_and_fail(session):
        like(session, john, site.post)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        site.do(like_and_fail)
    assert site.read() == []


def test_nobody_is_told_of_their_own_acts(site):
    site.do(like, site.susan, site.post)
    site.do(boost, site.susan, site.post)
    site.do(write, site.susan, "@susan I answer myself", reply_to=site.post)
    assert site.read() == []


def test_nobody_is_told_of_what_is_imported(site, john):
    site.do(follow, john, site.susan, imported=True)
    site.do(like, john, site.post, imported=True)
    site.do(boost, john, site.post, imported=True)
    row = {"id": new_id_at_milliseconds(get_now()), "user_id": john, "body": "@susan", "language": None}
    site.do(import_posts, [{**row, "form_key": "1"}])
    assert site.read() == []


def test_a_post_that_is_published_by_an_import_tells_nobody(site, john):
    post = site.do(write, john, "@susan", publish_at=get_now() + 3_600_000)
    with site.acting() as session:
        notify(PostPublished(session=session, imported=True, post_id=post, author_id=john))
    assert site.read() == []


def test_who_is_answered_and_mentioned_is_told_once(site, john):
    site.do(write, john, "@susan mine hums, @susan", reply_to=site.post)
    assert site.read() == ["New: john answered you"]
    assert site.count() == 1


def test_all_who_are_mentioned_are_told_by_as_many_statements_as_one(site, application):
    author, *others = site.add("author", *(f"reader{number}" for number in range(10)))
    numbers = []
    for names in (["reader0"], [f"reader{number}" for number in range(10)]):
        with site.acting() as session, counted_statements(application.database) as statements:
            write(session, author, " ".join(f"@{name}" for name in names))
        numbers.append(len([sql for sql in statements if "noti" in sql]))
    assert numbers == [3, 3]
    with application.database.read() as session:
        told = sa.select(NotificationGroup.user_id, sa.func.count()).group_by(NotificationGroup.user_id)
        counts = {row[0]: row[1] for row in session.execute(told)}
    assert counts == {others[0]: 2, **dict.fromkeys(others[1:], 1)}


def test_a_like_is_told_by_as_many_statements_whether_a_thousand_like_it_already(site, application, john):
    def count() -> int:
        with site.acting() as session, counted_statements(application.database) as statements:
            like(session, next(people), site.post)
        return len(statements)

    people = iter(site.add(*(f"reader{number}" for number in range(40))))
    first, second = count(), count()
    for _ in range(30):
        count()
    assert count() == second == first + 1


def test_who_is_mentioned_by_an_edit_is_told_once_and_nobody_again(site, john):
    post = site.do(write, john, "Hello")
    edited = partial(site.do, edit, post, john, language=None)
    edited("Hello @susan", version=1)
    assert site.read() == ["New: john mentioned you"]
    mark_all(site)
    edited("Hello, @susan and @Susan", version=2)
    assert site.read() == ["john mentioned you"]
    edited("Hello", version=3)
    assert site.read() == []
    edited("Hello once more, @susan", version=4)
    assert site.read() == ["john mentioned you"], "it is as read as it was"
    site.let_days_pass(3)
    edited("Hello", version=5)
    edited("@susan", version=6)
    assert site.read() == ["john mentioned you"], "also on another day"


def test_an_edit_of_an_answer_that_mentions_whom_it_answers_tells_nobody(site, john):
    post = site.do(write, john, "Mine hums.", reply_to=site.post)
    site.do(edit, post, john, "Mine hums, @susan.", language=None, version=1)
    assert site.read() == ["New: john answered you"]


def test_a_post_tells_nobody_before_it_is_published(site, john):
    later = get_now() + 3_600_000
    post = site.do(write, john, "Hello @susan", publish_at=later)
    answer = site.do(write, john, "Mine hums.", reply_to=site.post, publish_at=later)
    site.do(edit, post, john, "Hello, and hello @susan", language=None, version=1)
    site.do(edit, answer, john, "Mine hums, @susan", language=None, version=1)
    assert (site.read(), site.count()) == ([], 0)
    with site.acting() as session:
        session.execute(sa.update(Entry).where(Entry.kind == PUBLISHING).values(next_at=0))
    assert site.application.registry.outbox.deliver(PUBLISHING) == 2
    assert sorted(site.read()) == ["New: john answered you", "New: john mentioned you"]


def test_what_is_undone_is_gone_and_done_again_it_is_no_second_one(site, john):
    for do, undo, target, sentence in (
        (like, unlike, site.post, "john liked your post"),
        (boost, unboost, site.post, "john boosted your post"),
        (follow, unfollow, site.susan, "john follows you now"),
    ):
        site.do(do, john, target)
        assert site.read()[0] == f"New: {sentence}"
        site.do(undo, john, target)
        assert not any(sentence in each for each in site.read())
        site.do(do, john, target)
        assert site.read()[0] == f"New: {sentence}"
        mark_all(site)
        site.do(undo, john, target)
        site.do(do, john, target)
        assert site.read()[0] == sentence, "it was read already"
        assert site.count() == 0


def test_done_again_on_another_day_it_is_news(site, john):
    site.do(like, john, site.post)
    mark_all(site)
    site.do(unlike, john, site.post)
    site.let_days_pass()
    site.do(like, john, site.post)
    assert site.read() == ["New: john liked your post"]


def test_what_is_undone_leaves_the_others(site, john):
    mary, lucy = site.add("mary", "lucy")
    for person in (john, mary, lucy):
        site.do(like, person, site.post)
    assert site.read() == ["New: lucy and 2 others liked your post"]
    site.do(unlike, lucy, site.post)
    assert site.read() == ["New: mary and 1 other liked your post"]
    mark_all(site)
    assert site.count() == 0
    site.do(like, site.add("nils")[0], site.post)
    assert site.read() == ["New: nils and 2 others liked your post"]


def test_a_deleted_post_takes_with_it_what_was_told_of_it(site, application, john):
    site.do(like, john, site.post)
    reply = site.do(write, john, "Mine hums, @susan.", reply_to=site.post)
    site.do(delete, reply, john)
    assert site.read() == ["New: john liked your post"]
    site.do(delete, site.post, site.susan)
    assert (site.read(), site.count()) == ([], 0)
    assert count_rows(application) == (0, 0)


def test_a_deleted_person_is_in_no_sentence(site, application, john):
    mary = site.add("mary")[0]
    for person in (john, mary):
        site.do(like, person, site.post)
    delete_person(site, mary)
    assert site.read() == ["New: john liked your post"]
    delete_person(site, john)
    assert (site.read(), site.count()) == ([], 0)
    delete_person(site, site.susan)
    assert count_rows(application) == (0, 0)


@pytest.mark.parametrize(
    ("hide", "show"),
    [
        (block, unblock),
        (lambda session, me, other: block(session, other, me), lambda s, me, other: unblock(s, other, me)),
        (mute, unmute),
    ],
    ids=["I have blocked", "who has blocked me", "I have muted"],
)
def test_whom_the_reader_does_not_see_is_neither_in_the_list_nor_counted(site, john, hide, show):
    mary = site.add("mary")[0]
    site.do(write, mary, "@susan hello")
    for person in (john, mary):
        site.do(like, person, site.post)
    assert site.count() == 2
    site.do(hide, site.susan, mary)
    assert (site.read(), site.count()) == (["New: john liked your post"], 1)
    site.do(show, site.susan, mary)
    assert (len(site.read()), site.count()) == (2, 2), "it is hidden, not lost"
    site.do(hide, site.susan, john)
    site.do(hide, site.susan, mary)
    assert (site.read(), site.count()) == ([], 0)


def test_of_what_somebody_does_whom_one_has_muted_nothing_is_kept(site, john):
    site.do(mute, site.susan, john)
    site.do(follow, john, site.susan)
    site.do(like, john, site.post)
    site.do(write, john, "@susan", reply_to=site.post)
    site.do(unmute, site.susan, john)
    assert site.read() == []


def test_a_follow_that_ends_by_a_block_stays_ended(site, john):
    site.do(follow, john, site.susan)
    site.do(block, john, site.susan)
    site.do(unblock, john, site.susan)
    assert site.read() == []


def test_who_is_renamed_is_called_by_the_new_name(site, john):
    site.do(like, john, site.post)
    site.do(change_profile, john, Profile("johnny", "يوحنا", ""))
    page = site.show()
    assert site.read() == ["New: يوحنا @johnny liked your post"]
    names = [name.get_text() for name in page.html.select(".notification-sentence bdi")]
    assert names == ["يوحنا", "@johnny"], "each is isolated, whichever way it is written"
    assert page.html.select_one(".notification-sentence a")["href"] == "/users/johnny"


def test_a_name_is_text_and_no_markup(site, john):
    site.do(change_profile, john, Profile("john", "<b>%(who)s & %s</b>", ""))
    site.do(like, john, site.post)
    assert site.read() == ["New: <b>%(who)s & %s</b> @john liked your post"]


def test_the_day_is_that_of_the_recipient(site, john):
    """In a zone that is a day ahead of the other, it is always another day somewhere."""
    mary = site.add("mary")[0]
    days = []
    for person, zone in ((john, "Pacific/Kiritimati"), (mary, "Pacific/Niue")):
        with site.acting() as session:
            session.execute(
                sa.text("UPDATE users SET preferences = :zone WHERE id = :id"),
                {"zone": f"colors=dark&time_zone={zone.replace('/', '%2F')}", "id": site.susan},
            )
        site.do(like, person, site.post)
        with site.acting() as session:
            days.append(session.scalar(sa.select(sa.func.max(NotificationGroup.day))))
    assert len(site.read()) == 2, "the two zones are 25 hours apart"


def test_two_days_are_two_lines(site, john):
    mary, lucy = site.add("mary", "lucy")
    site.do(like, john, site.post)
    site.do(like, mary, site.post)
    site.let_days_pass()
    site.do(like, lucy, site.post)
    assert site.read() == ["New: lucy liked your post", "New: mary and 1 other liked your post"]


def mark_all(site: Site) -> None:
    form = site.show().forms["mark-form"]
    form.submit("until", status=303)


def delete_person(site: Site, user_id: int) -> None:
    with site.acting() as session:
        session.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": user_id})


def count_rows(application) -> tuple[int, ...]:
    with application.database.read() as session:
        return tuple(
            session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in (NotificationGroup, Notification)
        )


def test_a_like_of_somebody_new_is_told_of_at_once_in_the_header(site, application):
    john = application.browser()
    enter(john, "john2")
    page = john.get("/explore")
    button = page.html.select_one(f"#like-{site.post}")
    john.post(button["formaction"], dict(page.forms["react"].submit_fields()), status=303)
    assert site.show("/explore").html.select_one("[data-unread-count]").get_text() == "1"


def test_add_user_is_no_news(site):
    site.do(add_user, "newcomer")
    assert site.read() == []
