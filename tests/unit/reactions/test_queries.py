"""Likes, boosts and bookmarks: counts, which triggers keep for any statement, and many people at once."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from microblog.accounts.models import User
from microblog.accounts.queries import add_user
from microblog.ids import new_id
from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post, delete_post, get_post, list_posts_by_id
from microblog.reactions import actions
from microblog.reactions.models import Bookmark, Boost, Like
from microblog.reactions.queries import Mine, find_mine, list_my_posts, list_people_who

TABLES = [Like, Boost, Bookmark]


@pytest.fixture
def people(session):
    return [add_user(session, nickname) for nickname in ("susan", "john", "grace")]


@pytest.fixture
def posts(session, people):
    return [add_post(session, author, f"post of {author}") for author in people]


def counts(session, post_id):
    """(likes, boosts)"""
    post = get_post(session, post_id, None)
    assert post is not None
    return post.likes_count, post.boosts_count


def number_of_rows(session):
    return [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in TABLES]


def test_what_is_done_twice_is_done_and_counted_once(session, people, posts):
    susan, post = people[0], posts[0]
    done = [actions.like, actions.boost, actions.bookmark]
    undone = [actions.unlike, actions.unboost, actions.unbookmark]
    assert [action(session, susan, post) for action in done for _ in range(2)] == [True, False] * 3
    assert counts(session, post) == (1, 1)
    assert number_of_rows(session) == [1, 1, 1]
    assert [action(session, susan, post) for action in undone for _ in range(2)] == [True, False] * 3
    assert counts(session, post) == (0, 0)
    assert number_of_rows(session) == [0, 0, 0]


def test_nothing_is_done_with_a_post_that_is_gone(session, people, posts):
    delete_post(session, posts[0])
    for action in (actions.like, actions.unlike, actions.boost, actions.bookmark, actions.unbookmark):
        with pytest.raises(actions.PostGone):
            action(session, people[0], posts[0])


def test_bulk_statements_are_counted(session, people, posts):
    pairs = [(user_id, post_id) for user_id in people for post_id in posts]
    for table in (Like, Boost):
        session.execute(
            sa.insert(table), [{"user_id": a, "post_id": b, "id": new_id()} for a, b in pairs[:-1]]
        )
    assert [counts(session, post) for post in posts] == [(3, 3), (3, 3), (2, 2)]
    session.execute(
        sa.update(Like).where(Like.post_id == posts[0], Like.user_id == people[2]).values(post_id=posts[2])
    )
    assert [counts(session, post) for post in posts] == [(2, 3), (3, 3), (3, 2)]
    for table in (Like, Boost):
        session.execute(sa.delete(table).where(table.user_id == people[0]))
    assert [counts(session, post) for post in posts] == [(1, 2), (2, 2), (2, 1)]
    session.execute(sa.text("DELETE FROM likes"))
    assert [counts(session, post) for post in posts] == [(0, 2), (0, 2), (0, 1)]


def test_what_was_done_goes_with_the_person_and_with_the_post(session, people, posts):
    for user_id in people:
        for post_id in posts:
            actions.like(session, user_id, post_id)
            actions.boost(session, user_id, post_id)
            actions.bookmark(session, user_id, post_id)
    session.execute(sa.delete(User).where(User.id == people[0]))
    assert [counts(session, post) for post in posts[1:]] == [(2, 2), (2, 2)]
    assert number_of_rows(session) == [4, 4, 4]
    delete_post(session, posts[1])
    assert counts(session, posts[2]) == (2, 2)
    assert number_of_rows(session) == [2, 2, 2]
    session.execute(sa.text("DELETE FROM posts"))
    assert number_of_rows(session) == [0, 0, 0]


def test_what_i_did_is_read_for_many_posts_at_once(session, people, posts):
    susan, john = people[:2]
    actions.like(session, susan, posts[0])
    actions.bookmark(session, susan, posts[0])
    actions.boost(session, susan, posts[1])
    actions.like(session, john, posts[2])
    rows = list_posts_by_id(session, posts, None)
    assert find_mine(session, susan, rows) == {
        posts[0]: Mine(liked=True, bookmarked=True),
        posts[1]: Mine(boosted=True),
        posts[2]: Mine(),
    }
    assert find_mine(session, None, rows) == {}


def test_lists_are_in_the_order_in_which_it_was_done_and_paged(session, people, posts):
    susan = people[0]
    for user_id in people:
        actions.like(session, user_id, posts[0])
    for post_id in reversed(posts):
        actions.bookmark(session, susan, post_id)
    found = list_people_who(session, Like, posts[0], Cursor(), 2, reader_id=None)
    assert [person.id for person in found] == people[:0:-1]
    rest = list_people_who(session, Like, posts[0], Cursor(before=found[-1].since), 2, reader_id=None)
    assert [person.id for person in rest] == people[:1]
    mine = list_my_posts(session, Bookmark, susan, Cursor(), 2)
    assert [each.post.id for each in mine] == posts[:2]
    mine = list_my_posts(session, Bookmark, susan, Cursor(before=mine[-1].since), 2)
    assert [each.post.id for each in mine] == posts[2:]


ROUNDS = 12


def test_many_who_like_unlike_and_delete_at_once_are_counted_right(database):
    """Two posts that all like, of authors who delete them, and one that stays; nobody meets a deadlock."""
    with database.write() as session:
        people = [add_user(session, f"person{n}") for n in range(8)]
        stays = add_post(session, people[0], "stays")
        goes = [add_post(session, people[n], "goes") for n in range(6)]
    failures: list[BaseException] = []
    begin = threading.Barrier(len(people))

    def react(number: int) -> None:
        for step in range(ROUNDS):
            for post_id in (stays, goes[(number + step) % len(goes)]):
                action = (actions.like, actions.boost, actions.unlike, actions.like)[(number + step) % 4]
                try:
                    with database.write() as session:
                        action(session, people[number], post_id)
                except actions.PostGone:
                    assert post_id != stays
            if number < len(goes) and step == 3 + number:
                with database.write() as session:
                    delete_post(session, goes[number])

    def run(number: int) -> None:
        try:
            begin.wait()
            react(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as session:
        assert session.scalars(sa.select(Post.id)).all() == [stays]
        rows = number_of_rows(session)
        assert counts(session, stays) == (rows[0], rows[1])
        assert rows[0] > 0
