"""People write, answer, like, boost, edit, follow, block, mute, take back, delete and leave, in any order
that hypothesis thinks of: through the actions, each in a transaction, and in the model.

After each step all counts are compared, and whatever the actions have refused; after each 20th every list.
`Checks` (checks.py) reads the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import orm

from microblog.accounts.actions import change_profile, create_account
from microblog.accounts.models import User
from microblog.accounts.queries import NicknameTaken
from microblog.db import Database, StaleData
from microblog.ids import new_id
from microblog.outbox.models import Entry
from microblog.people import actions as people
from microblog.people.rules import BlocksOneself, FollowsOneself, MutesOneself
from microblog.posts import actions as posts
from microblog.posts.models import DeletedPost
from microblog.posts.models import Post as PostTable
from microblog.reactions import actions as reactions
from microblog.tags import actions as tags
from tests.clock import TimeOfDay, ids_by
from tests.conversations.checks import Checks
from tests.conversations.model import Model, Post, drop, list_whom

NAMES = ("anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo")
TAGS = ("tea", "milk")
WORDS = ("black", "green", *(f"@{name}" for name in NAMES), *(f"#{tag}" for tag in TAGS))
MOST_PEOPLE, FEWEST_PEOPLE, MOST_POSTS = 6, 2, 30
LATEST = 8  # posts, so that one gets several replies, likes and boosts
STEPS_OF_AN_EXAMPLE = 60
STEPS_BETWEEN_LISTS = 20
AN_HOUR = 3_600_000  # milliseconds: what is published later is published when the clock is moved on
REFUSED = (
    *(StaleData, FollowsOneself, BlocksOneself, MutesOneself, NicknameTaken),
    *(posts.AnsweredPostDeleted, posts.EditedMeanwhile, posts.PublishedMeanwhile, reactions.PostGone),
)

NUMBER = st.integers(0, 29)
BODY = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
SELDOM = st.sampled_from((False, False, False, True))
has_posts = precondition(lambda machine: bool(machine.ever))
has_room = precondition(lambda machine: len(machine.model.posts) < MOST_POSTS)


class Conversations(RuleBasedStateMachine):
    """One example: a site that begins with four people, of whom some follow others, and some posts."""

    def __init__(self, database: Database, now: TimeOfDay) -> None:
        super().__init__()
        self.database = database
        self.now = now
        self.model = Model()
        self.checks = Checks(database, self.model)
        self.ever: list[int] = []  # the posts that there are and were
        self.steps = 0
        with database.write() as session:
            for model in (User, DeletedPost, Entry):
                session.execute(sa.delete(model))
        for name in NAMES[:4]:
            self.add_person(name)

    def do(self, act: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """What the action returns, or the class of its refusal."""
        try:
            with self.database.write() as session:
                return act(session, *arguments, **more)
        except REFUSED as refusal:
            return type(refusal)

    def choose_person(self, number: int) -> int:
        return sorted(self.model.people)[number % len(self.model.people)]

    def choose_post(self, number: int) -> int:
        """One of the latest, of which some are deleted."""
        return self.ever[-1 - number % min(len(self.ever), LATEST)]

    def choose_actor(self, number: int, post_id: int) -> int:
        """Nobody else comes to the pages of a post that is not published."""
        post = self.model.posts.get(post_id)
        return self.choose_person(number) if post is None or post.is_published else post.author

    def choose_author(self, number: int, post_id: int, is_other: bool) -> int:
        post = self.model.posts.get(post_id)
        return self.choose_person(number) if post is None or is_other else post.author

    def add_person(self, name: str) -> None:
        self.model.join(self.do(create_account, name), name)

    # People

    @initialize(
        pairs=st.lists(st.tuples(NUMBER, NUMBER), min_size=4, max_size=8),
        texts=st.lists(st.tuples(NUMBER, BODY), min_size=3, max_size=6),
        replies=st.lists(st.tuples(NUMBER, NUMBER, BODY), min_size=2, max_size=4),
    )
    def begin(self, pairs: list[Any], texts: list[Any], replies: list[Any]) -> None:
        for who, whom in pairs:
            self.change_follow(who, whom, takes_back=False)
        for who, body in texts:
            self.add_post(who, body, is_later=False)
        for who, post, body in replies:
            self.add_reply(who, post, body, is_later=False)

    @rule(number=NUMBER, name=st.sampled_from(NAMES), joins=st.booleans())
    def join_or_rename(self, number: int, name: str, joins: bool) -> None:
        person = self.choose_person(number)
        owner = self.model.names.get(name)
        if joins and len(self.model.people) < MOST_PEOPLE:
            if owner is None:
                self.add_person(name)
            else:
                assert self.do(create_account, name) is NicknameTaken
            return
        profile = {"nickname": name, "display_name": "", "about_me": ""}
        outcome = self.do(change_profile, person, **profile)
        if owner in {None, person}:
            assert outcome is None
            self.model.rename(person, name)
        else:
            assert outcome is NicknameTaken

    @precondition(lambda self: self.steps % 10 == 9 and len(self.model.people) > FEWEST_PEOPLE)
    @rule(number=NUMBER)
    def leave(self, number: int) -> None:
        person = self.choose_person(number)
        self.do(lambda session: session.execute(sa.delete(User).where(User.id == person)).rowcount)
        self.model.leave(person)

    @rule(who=NUMBER, whom=NUMBER, takes_back=SELDOM)
    def follow(self, who: int, whom: int, takes_back: bool) -> None:
        self.change_follow(who, whom, takes_back=takes_back)

    def change_follow(self, who: int, whom: int, *, takes_back: bool) -> None:
        pair = who_id, whom_id = self.choose_person(who), self.choose_person(whom)
        follows = self.model.follows
        if takes_back:
            assert self.do(people.unfollow, *pair) == (follows.pop(pair, None) is not None)
        elif who_id == whom_id:
            assert self.do(people.follow, *pair) is FollowsOneself
        elif self.model.is_blocked(*pair):
            assert self.do(people.follow, *pair) is StaleData
        else:
            assert self.do(people.follow, *pair) == (pair not in follows)
            follows.setdefault(pair, new_id())

    @rule(who=NUMBER, whom=NUMBER, takes_back=st.booleans())
    def block(self, who: int, whom: int, takes_back: bool) -> None:
        pair = who_id, whom_id = self.choose_person(who), self.choose_person(whom)
        blocks = self.model.blocks
        if takes_back:
            assert self.do(people.unblock, *pair) == (blocks.pop(pair, None) is not None)
        elif who_id == whom_id:
            assert self.do(people.block, *pair) is BlocksOneself
        else:
            assert self.do(people.block, *pair) == (pair not in blocks)
            self.model.block(*pair, new_id())

    @rule(who=NUMBER, whom=NUMBER, takes_back=SELDOM)
    def mute(self, who: int, whom: int, takes_back: bool) -> None:
        """Mostly somebody whom they follow: of others they see little."""
        who_id, whom_id = self.choose_person(who), self.choose_person(whom)
        followed = list_whom(self.model.follows, who_id)
        if followed and whom % 3:
            whom_id = followed[whom % len(followed)]
        pair = who_id, whom_id
        mutes = self.model.mutes
        if takes_back:
            assert self.do(people.unmute, *pair) == (mutes.pop(pair, None) is not None)
        elif who_id == whom_id:
            assert self.do(people.mute, *pair) is MutesOneself
        else:
            assert self.do(people.mute, *pair) == (pair not in mutes)
            mutes.setdefault(pair, new_id())

    @rule(who=NUMBER, tag=st.sampled_from(TAGS), takes_back=SELDOM)
    def follow_tag(self, who: int, tag: str, takes_back: bool) -> None:
        person = self.choose_person(who)
        self.do(tags.unfollow_tag if takes_back else tags.follow_tag, person, tag)
        mine = self.model.people[person].tags
        mine.discard(tag) if takes_back else mine.add(tag)

    # Posts

    @has_room
    @rule(who=NUMBER, body=BODY, is_later=SELDOM)
    def write(self, who: int, body: str, is_later: bool) -> None:
        self.add_post(who, body, is_later=is_later)

    def add_post(self, who: int, body: str, *, is_later: bool) -> None:
        author = self.choose_person(who)
        publish_at = self.now() + AN_HOUR if is_later else None
        self.ever.append(post_id := self.do(posts.write, author, body, publish_at=publish_at))
        self.model.write(Post(post_id, author, body, is_published=not is_later))

    @has_posts
    @has_room
    @rule(who=NUMBER, post=NUMBER, body=BODY, is_later=SELDOM)
    def reply(self, who: int, post: int, body: str, is_later: bool) -> None:
        self.add_reply(who, post, body, is_later=is_later)

    def add_reply(self, who: int, post: int, body: str, *, is_later: bool) -> None:
        answered_id = self.choose_post(post)
        author = self.choose_actor(who, answered_id)
        publish_at = self.now() + AN_HOUR if is_later else None
        outcome = self.do(posts.write, author, body, reply_to=answered_id, publish_at=publish_at)
        answered = self.model.posts.get(answered_id)
        if answered is None:
            assert outcome is posts.AnsweredPostDeleted
        elif self.model.is_blocked(author, answered.author):
            assert outcome is StaleData
        else:
            self.ever.append(outcome)
            reply = Post(outcome, author, body, is_published=not is_later)
            reply.reply_to, reply.reply_to_author = answered_id, answered.author
            reply.thread = answered.thread or answered_id
            self.model.write(reply)

    @has_posts
    @rule(who=NUMBER, post=NUMBER, body=BODY, is_other=SELDOM, is_late=SELDOM)
    def edit(self, who: int, post: int, body: str, is_other: bool, is_late: bool) -> None:
        post_id = self.choose_post(post)
        author = self.choose_author(who, post_id, is_other)
        edited = self.model.posts.get(post_id)
        version = 0 if edited is None else len(edited.versions) + 1 - is_late
        outcome = self.do(posts.edit, post_id, author, body, language=None, version=version)
        if edited is None or edited.author != author:
            assert outcome is StaleData
        elif body == edited.body:
            assert outcome is None
        elif is_late:
            assert outcome is posts.EditedMeanwhile
        else:
            assert outcome is None
            self.model.edit(edited, body)

    @has_posts
    @rule(who=NUMBER, post=NUMBER, is_other=SELDOM)
    def delete(self, who: int, post: int, is_other: bool) -> None:
        post_id = self.choose_post(post)
        author = self.choose_author(who, post_id, is_other)
        outcome = self.do(posts.delete, post_id, author)
        deleted = self.model.posts.get(post_id)
        if deleted is None or deleted.author != author:
            assert outcome is StaleData
        else:
            assert outcome is None
            self.model.delete(deleted)

    @has_posts
    @rule(post=NUMBER)
    def take_back(self, post: int) -> None:
        unpublished = [each.id for each in self.model.posts.values() if not each.is_published]
        post_id = unpublished[post % len(unpublished)] if unpublished else self.choose_post(post)
        author = self.choose_author(0, post_id, is_other=False)
        outcome = self.do(posts.take_back, post_id, author)
        taken = self.model.posts.get(post_id)
        if taken is not None and not taken.is_published:
            assert (outcome.body, outcome.reply_to) == (taken.body, taken.reply_to)
            self.model.forget_post(post_id)
        else:  # of those that are deleted some were not published either
            assert outcome in {posts.PublishedMeanwhile, StaleData}

    @precondition(lambda self: not all(post.is_published for post in self.model.posts.values()))
    @rule(passes=SELDOM)
    def let_an_hour_pass(self, passes: bool) -> None:
        """What waits is published then."""
        if passes:
            self.now.ahead += AN_HOUR
            for post in self.model.posts.values():
                post.is_published = True

    @precondition(lambda self: self.steps % 10 == 4)
    @rule(who=NUMBER)
    def delete_in_a_shell(self, who: int) -> None:
        author = self.choose_person(who)
        of_one = sa.delete(PostTable).where(PostTable.user_id == author)
        self.do(lambda session: session.execute(of_one).rowcount)
        self.model.delete_posts(author)

    @has_posts
    @rule(who=NUMBER, post=NUMBER, takes_back=SELDOM)
    def boost(self, who: int, post: int, takes_back: bool) -> None:
        self.react("boost", who, post, takes_back)

    @has_posts
    @rule(who=NUMBER, post=NUMBER, what=st.sampled_from(("like", "bookmark")), takes_back=SELDOM)
    def like_or_bookmark(self, who: int, post: int, what: str, takes_back: bool) -> None:
        self.react(what, who, post, takes_back)

    def react(self, what: str, who: int, post: int, takes_back: bool) -> None:
        post_id = self.choose_post(post)
        person = self.choose_actor(who, post_id)
        outcome = self.do(getattr(reactions, f"un{what}" if takes_back else what), person, post_id)
        reacted = self.model.posts.get(post_id)
        relation = getattr(self.model, f"{what}s")
        was_there = (person, post_id) in relation
        if reacted is None:
            assert outcome is reactions.PostGone
        elif takes_back:
            assert outcome == was_there
            drop(relation, [(person, post_id)])
        elif self.model.is_blocked(person, reacted.author):
            assert outcome is StaleData
        else:
            assert outcome == (not was_there)
            relation.setdefault((person, post_id), new_id())

    # Comparing

    @invariant()
    def compare(self) -> None:
        with self.database.read() as session:
            self.checks.compare_counts(session)
            if self.steps % STEPS_BETWEEN_LISTS == STEPS_BETWEEN_LISTS - 1:
                self.compare_lists(session)
        self.steps += 1

    def compare_lists(self, session: orm.Session) -> None:
        self.checks.compare_rows(session)
        for reader in (None, *self.model.people):
            self.checks.compare_lists(session, reader)
        # One reader, another one each time, looks at home page by page, and at every post and person.
        reader = self.choose_person(self.steps // STEPS_BETWEEN_LISTS)
        self.checks.compare_home_in_pages(session, reader)
        self.checks.compare_pages(session, reader, self.ever, list(self.model.people))


def walk(database: Database, steps: int, seed: int) -> None:
    """Take so many steps, in examples of `STEPS_OF_AN_EXAMPLE`; what fails is told in as few as possible."""

    now = TimeOfDay()

    class Here(Conversations):
        def __init__(self) -> None:
            super().__init__(database, now)

    chosen = hypothesis.settings(
        max_examples=steps // STEPS_OF_AN_EXAMPLE,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        database=None,
        deadline=None,
    )
    with ids_by(now):
        run_state_machine_as_test(hypothesis.seed(seed)(Here), settings=chosen)
