"""What is not seen of somebody who is suspended counts nowhere; afterwards all of it is as it was."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.moderation.models import Suspension, WithheldFollow
from microblog.moderation.withholding import carry_out, take_step
from microblog.people.actions import follow
from microblog.people.models import Block, Follow
from microblog.people.queries import add_relation
from microblog.posts.actions import delete, write
from microblog.posts.models import Post
from microblog.reactions.actions import boost, like

from .test_suspending import do

PATHS = (
    *("/", "/explore", "/users/", "/users/john", "/users/john/followers", "/users/john/following"),
    *("/users/susan", "/users/susan/followers", "/users/susan/replies", "/tags/", "/tags/tea"),
    *("/search?q=kettle", "/notifications/", "/posts/{post}", "/posts/{post}/likes", "/posts/{post}/boosts"),
    *("/posts/{mine}", "/posts/{answer}"),
)
# Of forms, and of times that were just now.
CHANGES = re.compile(r'<input name="(csrf_token|key)"[^>]*>|\d+ (seconds|minutes?) ago|just now')

EXAMPLES = re.compile("/users/susan|from:susan|written by susan")  # addresses, and the help of the search


@pytest.fixture
def site(enter_as, application):
    """Susan and john have done everything to each other; `look()` is every page as john sees it."""
    people = {name: enter_as(name) for name in ("susan", "john", "mary")}
    maria = enter_as("maria", "moderator")
    ids = {name: browser.id for name, browser in people.items()}
    with application.database.write() as session:
        for who, whom in (("susan", "john"), ("john", "susan"), ("mary", "john"), ("susan", "mary")):
            follow(session, ids[who], ids[whom])
        post = write(session, ids["john"], "A kettle #tea")
        mine = write(session, ids["susan"], "My kettle #tea, @john")
        answer = write(session, ids["susan"], "An answer", reply_to=post)
        for person in ("susan", "mary"):
            like(session, ids[person], post)
            boost(session, ids[person], post)
        like(session, ids["john"], mine)

    class Site:
        registry, database = application.registry, application.database
        moderator = maria

        def __init__(self):
            self.people, self.ids = people, ids
            self.post, self.mine, self.answer = post, mine, answer

        def look(self, path):
            page = people["john"].get(path.format(**vars(self)), status="*")
            return CHANGES.sub("", page.html.main.decode())

        def look_everywhere(self):
            return {path: self.look(path) for path in PATHS}

        def work(self):
            while carry_out(self.registry):
                pass

        def suspend(self, *names):
            for name in names:
                do(maria, name, "suspend")
            self.work()

        def unsuspend(self, *names):
            for name in names:
                do(maria, name, "unsuspend")
            self.work()

        def counts(self, name):
            with self.database.read() as session:
                columns = (User.posts_count, User.followers_count, User.following_count)
                return tuple(session.execute(sa.select(*columns).where(User.id == ids[name])).one())

        def follows(self):
            with self.database.read() as session:
                rows = session.execute(sa.select(Follow.follower_id, Follow.followee_id)).all()
            names = {user_id: name for name, user_id in ids.items()}
            return {(names[one], names[other]) for one, other in rows}

    return Site()


def test_nothing_of_somebody_who_is_suspended_is_on_any_page_or_counts(site):
    site.suspend("susan")
    for path, page in site.look_everywhere().items():
        assert "susan" not in EXAMPLES.sub("", page), path
        assert "My kettle" not in page, path
    assert site.counts("john") == (1, 1, 0)
    with site.database.read() as session:
        columns = (Post.likes_count, Post.boosts_count, Post.replies_count)
        assert session.execute(sa.select(*columns).where(Post.id == site.post)).one() == (1, 1, 0)


def test_afterwards_every_page_is_byte_for_byte_as_before(site):
    before = site.look_everywhere()
    site.suspend("susan")
    assert site.look_everywhere() != before
    site.unsuspend("susan")
    assert site.look_everywhere() == before
    with site.database.read() as session:
        assert session.scalars(sa.select(Suspension.user_id)).all() == []


def test_a_suspension_that_ends_before_it_was_carried_out_leaves_no_trace(site):
    before = site.look_everywhere()
    do(site.moderator, "susan", "suspend")
    take_step(site.registry, site.ids["susan"], 1)
    do(site.moderator, "susan", "unsuspend")
    take_step(site.registry, site.ids["susan"], 1)
    site.suspend("susan")
    site.unsuspend("susan")
    assert site.look_everywhere() == before


def test_two_people_who_follow_each_other_may_both_be_suspended_and_return_in_any_order(site):
    before, follows = site.look_everywhere(), site.follows()
    site.suspend("susan", "mary")
    assert site.follows() == {("john", "susan")} - {("john", "susan")}
    site.unsuspend("susan")
    assert site.follows() == {("susan", "john"), ("john", "susan")}
    site.unsuspend("mary")
    assert site.follows() == follows
    assert site.look_everywhere() == before


def test_what_was_deleted_or_blocked_meanwhile_does_not_come_back(site):
    site.suspend("susan")
    with site.database.write() as session:
        delete(session, site.post, site.ids["john"])
        add_relation(session, Block, site.ids["john"], site.ids["susan"])
        session.execute(sa.delete(User).where(User.id == site.ids["mary"]))
    site.unsuspend("susan")
    assert site.follows() == set()
    assert site.counts("susan") == (2, 0, 0)
    with site.database.read() as session:
        assert session.scalars(sa.select(WithheldFollow.of_id)).all() == []


def test_the_worker_goes_on_where_its_time_was_over(site):
    before = site.look_everywhere()
    do(site.moderator, "susan", "suspend")
    rounds = 0
    while carry_out(site.registry, seconds=0):
        rounds += 1
    assert rounds > 1
    assert site.counts("john") == (1, 1, 0)
    site.unsuspend("susan")
    assert site.look_everywhere() == before


def test_of_somebody_who_is_not_suspended_nothing_is_moved(site):
    assert not take_step(site.registry, site.ids["john"])
    assert site.counts("john") == (1, 2, 1)
