"""Compares what the database keeps and shows with the model: each method reads, and asserts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from microblog.accounts.models import User
from microblog.db import Database
from microblog.ids import LARGEST
from microblog.paging import Cursor, KeyCursor
from microblog.people import queries as people
from microblog.people.models import Block, Follow, Mute
from microblog.people.queries import PersonRow
from microblog.posts import mention_queries, versions
from microblog.posts import queries as posts
from microblog.posts.models import DeletedPost, Mention, Post, PostVersion
from microblog.posts.queries import PostRow
from microblog.reactions import queries as reactions
from microblog.reactions.models import Bookmark, Boost, Like
from microblog.tags.models import FollowedTag, PostTag
from microblog.tags.queries import list_followed
from microblog.timelines import queries as timelines
from microblog.timelines.home import list_home_posts
from microblog.timelines.profile import list_profile_posts
from tests.conversations.model import Model, list_who, list_whom, show_once

ALL = 200  # more than any list of the model has
FEW = 2  # posts on a small page of home
FIRST, LAST = Cursor(), Cursor(after=0)  # the newest ones, and the oldest ones
COUNTS_OF_PEOPLE = sa.select(User.id, User.posts_count, User.followers_count, User.following_count)
COUNTS_OF_POSTS = sa.select(
    *(Post.id, Post.reply_to, Post.thread),
    *(Post.replies_count, Post.likes_count, Post.boosts_count, Post.version),
)


def read_post(row: PostRow) -> tuple[Any, ...]:
    counts = (row.replies_count, row.likes_count, row.boosts_count, row.version)
    return (row.id, row.body, row.author, row.reply_to, row.answered, *counts)


def read_home_post(row: PostRow) -> tuple[Any, ...]:
    return (*read_post(row), row.booster)


def read_person(row: PersonRow) -> tuple[Any, ...]:
    counts = (row.posts_count, row.followers_count, row.following_count)
    return (row.id, row.nickname, *counts, row.i_follow)


def same_posts(found: Sequence[PostRow], expected: list[Any]) -> None:
    assert [read_post(row) for row in found] == expected


def same_people(found: Sequence[PersonRow], expected: list[Any]) -> None:
    assert [read_person(row) for row in found] == expected


class Checks:
    def __init__(self, database: Database, model: Model) -> None:
        self.database = database
        self.model = model

    def compare_counts(self, session: orm.Session) -> None:
        """The columns that triggers keep, of everything."""
        model = self.model
        counted = {row[0]: tuple(row[1:]) for row in session.execute(COUNTS_OF_PEOPLE)}
        assert counted == {person: model.count_person(person) for person in model.people}
        counted_posts = {row[0]: tuple(row[1:]) for row in session.execute(COUNTS_OF_POSTS)}
        assert counted_posts == {
            post.id: (post.reply_to, post.thread, *model.count_post(post)) for post in model.posts.values()
        }

    def compare_rows(self, session: orm.Session) -> None:
        """Of everything there is a row, and nothing is left over."""
        model = self.model
        all_posts = model.posts.values()
        expected: list[tuple[Any, set[Any]]] = [
            (sa.select(Follow.follower_id, Follow.followee_id), set(model.follows)),
            (sa.select(Block.blocker_id, Block.blocked_id), set(model.blocks)),
            (sa.select(Mute.muter_id, Mute.muted_id), set(model.mutes)),
            (sa.select(Like.user_id, Like.post_id), set(model.likes)),
            (sa.select(Boost.user_id, Boost.post_id), set(model.boosts)),
            (sa.select(Bookmark.user_id, Bookmark.post_id), set(model.bookmarks)),
            (sa.select(DeletedPost.id, DeletedPost.thread), set(model.deleted.items())),
            (
                sa.select(PostTag.tag, PostTag.post_id),
                {(tag, post.id) for post in all_posts for tag in post.tags},
            ),
            (
                sa.select(Mention.post_id, Mention.user_id),
                {(post.id, person) for post in all_posts for person in post.mentions},
            ),
            (
                sa.select(PostVersion.post_id, PostVersion.number, PostVersion.body),
                {(post.id, n, body) for post in all_posts for n, body in enumerate(post.versions, 1)},
            ),
            (
                sa.select(FollowedTag.user_id, FollowedTag.tag),
                {(person.id, tag) for person in model.people.values() for tag in person.tags},
            ),
        ]
        for query, rows in expected:
            assert {tuple(row) for row in session.execute(query)} == rows, query

    def compare_lists(self, session: orm.Session, reader: int | None) -> None:
        """The lists of posts and people that a reader sees, and those that are theirs alone."""
        model, all_posts = self.model, list(self.model.posts.values())
        explored = timelines.list_public_posts(session, reader, FIRST, ALL)
        same_posts(explored, model.list_posts(reader, all_posts))
        tea = [post for post in all_posts if "tea" in post.tags]
        same_posts(
            timelines.list_tagged_posts(session, reader, "tea", FIRST, ALL), model.list_posts(reader, tea)
        )
        by_name = sorted(model.people, key=lambda person: model.people[person].nickname)
        everybody = people.list_people(session, KeyCursor(), limit=ALL, reader_id=reader)
        same_people(everybody, model.list_people(reader, by_name))
        if reader is not None:
            self.compare_own_lists(session, reader)

    def compare_own_lists(self, session: orm.Session, reader: int) -> None:
        model, all_posts = self.model, self.model.posts
        mine = [post for post in all_posts.values() if reader in post.mentions]
        mentioning = timelines.list_posts_that_mention(session, reader, FIRST, ALL)
        same_posts(mentioning, model.list_posts(reader, mine))
        for table, relation in ((Like, model.likes), (Bookmark, model.bookmarks)):
            found = reactions.list_my_posts(session, table, reader, FIRST, ALL)
            kept = [all_posts[post_id] for post_id in list_whom(relation, reader)]
            shown = [post for post in kept if model.is_shown(reader, post, with_muted=True)]
            same_posts(
                [row.post for row in found],
                [model.show_post(reader, post, with_muted=True) for post in shown],
            )
        found_people = people.list_blocked(session, reader, FIRST, ALL)
        assert [row.id for row in found_people] == list_whom(model.blocks, reader)
        same_people(
            people.list_muted(session, reader, FIRST, ALL),
            model.list_people(reader, list_whom(model.mutes, reader)),
        )
        assert list_followed(session, reader) == sorted(model.people[reader].tags)
        home = list_home_posts(session, reader, FIRST, ALL)
        assert [read_home_post(row) for row in home] == show_once(model.list_home(reader))

    def compare_pages(
        self, session: orm.Session, reader: int | None, ever: Sequence[int], some: Sequence[int]
    ) -> None:
        """The pages of these posts, also of those that are deleted, and of some people."""
        for post_id in ever:
            self.compare_post(session, reader, post_id)
        for person in some:
            self.compare_person(session, reader, person)
        shown = posts.list_posts_by_id(session, ever, reader)
        done = reactions.find_mine(session, reader, shown)
        mentioned = mention_queries.load_mentions(session, reader, shown)
        for row in shown:
            mine = done[row.id]
            assert (mine.liked, mine.boosted, mine.bookmarked) == tuple(
                (reader, row.id) in each
                for each in (self.model.likes, self.model.boosts, self.model.bookmarks)
            )
            names = {nickname for _, nickname in mentioned.get(row.id, ())}
            assert names == {self.model.people[each].nickname for each in self.model.posts[row.id].mentions}

    def compare_post(self, session: orm.Session, reader: int | None, post_id: int) -> None:
        model, post = self.model, self.model.posts.get(post_id)
        replies = [each for each in model.posts.values() if each.reply_to == post_id]
        found_replies = timelines.list_replies(session, reader, post_id, FIRST, ALL)
        same_posts(found_replies, model.list_posts(reader, replies, oldest_first=True))
        assert posts.is_deleted(session, post_id) == (post_id in model.deleted)
        row = posts.get_post(session, post_id, reader)
        if post is None or not (post.is_published or post.author == reader):
            assert row is None
            return
        assert row is not None
        assert row.is_shown == model.is_shown(reader, post, with_muted=True)
        same_posts([row], [model.show_post(reader, post, with_muted=True)])
        found = [version.body for version in versions.list_versions(session, row, FIRST, ALL)]
        assert found == [post.body, *reversed(post.versions)]
        for table, relation in ((Like, model.likes), (Boost, model.boosts)):
            who = reactions.list_people_who(session, table, post_id, FIRST, ALL, reader_id=reader)
            same_people(who, model.list_people(reader, list_who(relation, post_id)))

    def compare_person(self, session: orm.Session, reader: int | None, person: int) -> None:
        model = self.model
        row = people.get_person(session, model.people[person].nickname, reader)
        assert row is not None
        same_people([row], [model.show_person(reader, person)])
        pair = (reader, person)
        relations = (pair in model.blocks, (person, reader) in model.blocks, pair in model.mutes)
        assert (row.i_block, row.blocks_me, row.i_mute) == relations
        written = [post for post in model.posts.values() if post.author == person]
        for with_replies in (False, True):
            some = [post for post in written if with_replies or post.reply_to is None]
            profile = list_profile_posts(session, reader, person, FIRST, ALL, with_replies=with_replies)
            assert [read_home_post(each) for each in profile] == model.list_profile(reader, person, some)
        lists: list[tuple[Callable[..., Any], list[int]]] = [
            (people.list_followers, list_who(model.follows, person)),
            (people.list_following, list_whom(model.follows, person)),
        ]
        for list_them, expected in lists:
            found = list_them(session, person, FIRST, ALL, reader_id=reader)
            same_people(found, model.list_people(reader, expected))

    def compare_home_in_pages(self, session: orm.Session, reader: int) -> None:
        """Each page has each post once, and begins where the one before ended, or has stopped to look."""
        entries, bound = self.model.list_home(reader), LARGEST
        oldest = list_home_posts(session, reader, LAST, ALL)
        assert [read_home_post(row) for row in oldest] == show_once(reversed(entries))
        while True:
            found = list_home_posts(session, reader, Cursor(before=bound), FEW)
            until = found.looked_until or 0
            expected = show_once(entry for entry in entries if until <= entry[0] < bound)
            assert [read_home_post(row) for row in found] == expected[:FEW]
            if found.looked_until is None and len(found) < FEW:
                return
            bound = found.looked_until or found[-1].position
