"""Mails of what others do: one for each event, to whom wants it, in their language.

Never does one tell what a private message says.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from microblog.accounts.by_mail.queries import mark_confirmed, mark_unconfirmed
from microblog.accounts.models import User
from microblog.mail.queries import list_mails
from microblog.messages.actions import delete_thread
from microblog.messages.actions import write as send
from microblog.messages.models import MessageThread
from microblog.people.actions import block, follow, mute, unfollow
from microblog.posts.actions import edit, write
from microblog.reactions.actions import boost, like
from tests.conftest import counted_statements
from tests.walk import token


def read_mails(site) -> list[Any]:
    """The oldest first."""
    with site.acting() as session:
        return list_mails(session, None, 100)[::-1]


def get_subjects(site) -> list[str]:
    return [mail.subject for mail in read_mails(site)]


def test_a_follow_a_mention_an_answer_and_a_message_are_mailed(site, john):
    site.do(follow, john, site.susan)
    site.do(write, john, "Hello @susan <b>")
    answer = site.do(write, john, "Indeed, @susan", reply_to=site.post)
    site.do(send, john, site.susan, "Our secret")
    site.do(like, john, site.post)
    site.do(boost, john, site.post)
    followed, mentioned, answered, message = read_mails(site)
    assert followed.subject == "@john is following you"
    assert followed.address == "susan@example.com"
    assert "http://localhost:6543/users/john" in followed.text
    assert mentioned.subject == "@john mentioned you"
    assert "Hello @susan <b>" in mentioned.text
    assert "Hello @susan &lt;b&gt;" in mentioned.html
    assert answered.subject == "@john answered you"
    assert f"http://localhost:6543/posts/{answer}" in answered.text
    assert message.subject == "@john wrote to you"
    assert "http://localhost:6543/messages/john" in message.text
    assert "secret" not in f"{message.subject}{message.text}{message.html}"


def test_a_mail_has_both_names_and_is_in_the_language_of_its_reader(site, john):
    with site.acting() as session:
        session.execute(sa.update(User).where(User.id == john).values(display_name="John\r\nDoe <i>"))
        session.execute(sa.update(User).where(User.id == site.susan).values(preferences="language=de"))
    site.do(follow, john, site.susan)
    (mail,) = read_mails(site)
    assert mail.subject == "John Doe <i> (@john) folgt dir"
    assert "Doe &lt;i&gt;" in mail.html
    assert 'lang="de"' in mail.html


def test_one_event_is_one_mail(site, john):
    site.do(follow, john, site.susan)
    site.do(unfollow, john, site.susan)
    site.do(follow, john, site.susan)
    post = site.do(write, john, "@susan")
    site.do(edit, post, john, "nobody", language=None, version=1)
    site.do(edit, post, john, "@susan again", language=None, version=2)
    site.do(write, john, "@susan @susan", reply_to=site.post)
    assert get_subjects(site) == ["@john is following you", "@john mentioned you", "@john answered you"]
    assert len(site.read()) == 3


def test_nobody_is_mailed_about_whom_they_do_not_see_or_about_themselves_or_what_is_imported(site, john):
    """FOUNDATION 6, line 33: nor by mail."""
    mary, tom = site.add("mary", "tom")
    site.do(block, site.susan, john)
    site.do(mute, site.susan, mary)
    site.do(write, john, "@susan")
    site.do(write, mary, "@susan", reply_to=site.post)
    site.do(send, mary, site.susan, "Hello")
    site.do(follow, mary, site.susan)
    site.do(follow, tom, site.susan, imported=True)
    site.do(send, tom, site.susan, "Hello", imported=True)
    site.do(write, site.susan, "@susan")
    assert get_subjects(site) == []


def test_an_unconfirmed_address_gets_none(site, john):
    site.do(mark_unconfirmed, site.susan)
    site.do(follow, john, site.susan)
    assert get_subjects(site) == []
    assert site.read() == ["New: john follows you now"]
    site.do(mark_confirmed, site.susan)
    site.do(write, john, "@susan")
    assert get_subjects(site) == ["@john mentioned you"]


def test_all_who_are_mentioned_are_mailed_by_as_many_statements_as_one(site, application, john):
    numbers = []
    for count in (2, 12):
        names = [f"reader{count}x{number}" for number in range(count)]
        site.add(*names)
        with site.acting() as session:
            session.execute(sa.update(User).values(email=User.nickname + "@example.com"))
        with site.acting() as session, counted_statements(application.database) as statements:
            write(session, john, " ".join(f"@{name}" for name in names))
        numbers.append(len([sql for sql in statements if "mail" in sql or "outbox" in sql]))
    assert numbers[0] == numbers[1]
    assert len(read_mails(site)) == 14


def test_a_person_without_an_address_gets_none_and_breaks_nothing(site, john):
    site.do(follow, site.susan, john)
    assert get_subjects(site) == []


# What people want


def choose(site, channel: str, kind: str, *, wanted: bool) -> None:
    form = site.show("/account/notices").forms["notices-form"]
    boxes = {box._value: box for box in form.fields[channel]}
    boxes[kind].checked = wanted
    form.submit(status=303)


def list_chosen(site, channel: str = "mail") -> list[str]:
    form = site.show("/account/notices").forms["notices-form"]
    return [box._value for box in form.fields[channel] if box.checked]


def test_the_page_has_a_box_for_each_kind_of_mail_and_none_for_likes(site):
    form = site.show("/account/notices").forms["notices-form"]
    by_mail = [box._value for box in form.fields["mail"]]
    assert by_mail == ["answer", "message", "mention", "follow", "new_browser"]
    assert list_chosen(site) == by_mail


def test_only_admins_have_a_box_for_what_only_admins_are_told(site):
    make_admin(site, is_admin=True)
    assert "registration" in list_chosen(site)
    choose(site, "mail", "registration", wanted=False)
    assert "registration" not in list_chosen(site)
    make_admin(site, is_admin=False)
    choose(site, "mail", "follow", wanted=False)
    assert "registration" not in list_chosen(site)
    make_admin(site, is_admin=True)
    # What was saved without the box has not touched the choice behind it.
    assert "registration" not in list_chosen(site)
    assert "follow" not in list_chosen(site)


def make_admin(site, *, is_admin: bool) -> None:
    with site.application.database.write() as session:
        session.execute(
            sa.text("UPDATE users SET is_admin = :is_admin WHERE id = :id"),
            {"id": site.susan, "is_admin": is_admin},
        )


@pytest.mark.parametrize("channel", ["site", "mail"])
def test_each_way_to_be_told_is_a_choice_of_its_own(site, john, channel):
    choose(site, channel, "follow", wanted=False)
    site.do(follow, john, site.susan)
    assert (len(site.read()), len(read_mails(site))) == ((0, 1) if channel == "site" else (1, 0))
    assert "follow" not in list_chosen(site, channel)


def test_the_link_of_a_mail_and_the_page_switch_the_same(site, john):
    site.do(follow, john, site.susan)
    (mail,) = read_mails(site)
    link = next(word for word in mail.text.split() if "/unsubscribe/" in word)
    path = urlsplit(link).path
    site.browser.post(path, {"List-Unsubscribe": "One-Click"}, status=200)
    assert "follow" not in list_chosen(site)
    tom = site.add("tom")[0]
    site.do(follow, tom, site.susan)
    assert len(read_mails(site)) == 1
    choose(site, "mail", "follow", wanted=True)
    mary = site.add("mary")[0]
    site.do(follow, mary, site.susan)
    assert get_subjects(site)[1:] == ["@mary is following you"]


def test_a_mail_that_has_no_box_cannot_be_chosen(site):
    fields = {"csrf_token": token(site.browser), "mail": "like"}
    site.browser.post("/account/notices", fields, status=422)


# Private messages


def count_threads(site) -> str:
    return str(site.show("/explore").html.select_one(".nav-messages .nav-count").get_text())


def test_what_somebody_writes_until_it_is_read_is_one_line_and_one_mail(site, application, john):
    site.do(send, john, site.susan, "one")
    site.do(send, john, site.susan, "two")
    page = site.show()
    assert site.read() == ["New: john wrote to you"]
    assert page.html.select_one(".notification-when a")["href"] == "/messages/john"
    assert "two" not in page.html.select_one("ol.notifications").get_text()
    assert get_subjects(site) == ["@john wrote to you"]
    site.show("/messages/john")
    application.registry.deferred.flush()
    assert site.read() == ["john wrote to you"]
    site.do(send, john, site.susan, "three")
    assert site.read() == ["New: john wrote to you", "john wrote to you"]
    assert len(read_mails(site)) == 2


def test_the_header_counts_a_message_once(site, john):
    site.do(send, john, site.susan, "one")
    assert count_threads(site) == "1"
    assert site.count() == 0
    site.do(follow, john, site.susan)
    assert site.count() == 1


def test_who_answers_has_read_what_they_were_told_of(site, john):
    site.do(send, john, site.susan, "one")
    site.do(send, site.susan, john, "two")
    assert site.read() == ["john wrote to you"]


def test_of_a_deleted_thread_nothing_is_told(site, john):
    site.do(send, john, site.susan, "one")
    with site.acting() as session:
        thread = session.scalar(sa.select(MessageThread.id).where(MessageThread.owner_id == site.susan))
    site.do(delete_thread, site.susan, thread)
    assert site.read() == []


def test_of_messages_of_muted_people_nobody_is_told(site, john):
    site.do(send, john, site.susan, "one")
    site.do(mute, site.susan, john)
    assert site.read() == []
