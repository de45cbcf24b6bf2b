"""A site in memory, as simple as it can be: what the database should keep and show.

It knows nothing of SQL, cursors or counts: a list is what is left of all posts, and a count is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Relation = dict[tuple[int, int], int]  # (who, whom or what): when, as an id


@dataclass
class Person:
    id: int
    nickname: str
    tags: set[str] = field(default_factory=set)


@dataclass
class Post:
    id: int
    author: int
    body: str
    is_published: bool
    reply_to: int | None = None
    reply_to_author: int | None = None
    thread: int | None = None
    versions: list[str] = field(default_factory=list)  # the earlier ones
    mentions: set[int] = field(default_factory=set)

    @property
    def tags(self) -> set[str]:
        return find_words("#", self.body)


def find_words(sign: str, body: str) -> set[str]:
    return {word[1:] for word in body.split() if word[0] == sign}


def list_names(body: str) -> list[str]:
    return list(dict.fromkeys(word for word in body.split() if word[0] == "@"))


@dataclass
class Model:
    people: dict[int, Person] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)  # the oldest first, but for what is published later
    deleted: dict[int, int] = field(default_factory=dict)  # the threads of deleted posts
    names: dict[str, int] = field(default_factory=dict)  # present and former ones
    follows: Relation = field(default_factory=dict)
    blocks: Relation = field(default_factory=dict)
    mutes: Relation = field(default_factory=dict)
    likes: Relation = field(default_factory=dict)
    boosts: Relation = field(default_factory=dict)
    bookmarks: Relation = field(default_factory=dict)

    # What happens

    def join(self, person_id: int, nickname: str) -> None:
        self.people[person_id] = Person(person_id, nickname)
        self.names[nickname] = person_id

    def rename(self, person_id: int, nickname: str) -> None:
        self.people[person_id].nickname = nickname
        self.names[nickname] = person_id

    def write(self, post: Post) -> None:
        self.posts[post.id] = post
        self.set_mentions(post)

    def set_mentions(self, post: Post) -> None:
        owners = {self.names[name] for name in find_words("@", post.body) if name in self.names}
        post.mentions = {owner for owner in owners if not self.is_blocked(post.author, owner)}

    def edit(self, post: Post, body: str) -> None:
        before, post.body = post.body, body
        post.versions.append(before)
        if list_names(body) != list_names(before):
            self.set_mentions(post)  # else those stay whom one of the two has blocked since

    def forget_post(self, post_id: int) -> None:
        """As if it had never been."""
        del self.posts[post_id]
        for relation in (self.likes, self.boosts, self.bookmarks):
            drop(relation, [key for key in relation if key[1] == post_id])

    def delete_posts(self, author: int) -> None:
        for post in [post for post in self.posts.values() if post.author == author]:
            self.delete(post)

    def delete(self, post: Post) -> None:
        self.forget_post(post.id)
        self.deleted[post.id] = post.thread or post.id

    def leave(self, person_id: int) -> None:
        self.delete_posts(person_id)
        del self.people[person_id]
        self.names = {name: owner for name, owner in self.names.items() if owner != person_id}
        for relation in (self.follows, self.blocks, self.mutes):
            drop(relation, [key for key in relation if person_id in key])
        for relation in (self.likes, self.boosts, self.bookmarks):
            drop(relation, [key for key in relation if key[0] == person_id])
        for post in self.posts.values():
            post.mentions.discard(person_id)

    def block(self, who: int, whom: int, when: int) -> None:
        if (who, whom) not in self.blocks:
            self.blocks[who, whom] = when
            drop(self.follows, [(who, whom), (whom, who)])

    # Who sees what

    def is_blocked(self, one: int | None, other: int) -> bool:
        return (one, other) in self.blocks or (other, one) in self.blocks

    def is_hidden(self, reader: int | None, person: int, *, with_muted: bool = False) -> bool:
        return self.is_blocked(reader, person) or (not with_muted and (reader, person) in self.mutes)

    def is_shown(self, reader: int | None, post: Post, *, with_muted: bool = False) -> bool:
        is_published = post.is_published or post.author == reader
        return is_published and not self.is_hidden(reader, post.author, with_muted=with_muted)

    def is_home_reply_shown(self, reader: int, post: Post) -> bool:
        to = post.reply_to_author
        if post.reply_to is None or reader in (post.author, to):
            return True
        return to in self.people and (reader, to) in self.follows and not self.is_hidden(reader, to)

    # Rows

    def show_post(self, reader: int | None, post: Post, *, with_muted: bool = False) -> tuple[Any, ...]:
        to = post.reply_to_author
        is_answered_shown = to in self.people and not self.is_hidden(reader, to, with_muted=with_muted)
        answered = self.people[to].nickname if to is not None and is_answered_shown else None
        author = self.people[post.author].nickname
        return (post.id, post.body, author, post.reply_to, answered, *self.count_post(post))

    def count_post(self, post: Post) -> tuple[int, int, int, int]:
        """Replies, likes, boosts, and the number of its version."""
        replies = sum(other.reply_to == post.id for other in self.posts.values())
        likes, boosts = (sum(key[1] == post.id for key in each) for each in (self.likes, self.boosts))
        return replies, likes, boosts, len(post.versions) + 1

    def count_person(self, person_id: int) -> tuple[int, int, int]:
        """Posts, followers, and whom they follow."""
        posts = sum(post.author == person_id for post in self.posts.values())
        followers = sum(key[1] == person_id for key in self.follows)
        return posts, followers, sum(key[0] == person_id for key in self.follows)

    def show_person(self, reader: int | None, person_id: int) -> tuple[Any, ...]:
        i_follow = (reader, person_id) in self.follows
        return (person_id, self.people[person_id].nickname, *self.count_person(person_id), i_follow)

    # Lists

    def list_posts(
        self,
        reader: int | None,
        posts: Iterable[Post],
        *,
        with_muted: bool = False,
        oldest_first: bool = False,
    ) -> list[tuple[Any, ...]]:
        shown = [post for post in posts if self.is_shown(reader, post, with_muted=with_muted)]
        shown.sort(key=lambda post: post.id, reverse=not oldest_first)
        return [self.show_post(reader, post, with_muted=with_muted) for post in shown]

    def list_people(self, reader: int | None, people: Iterable[int]) -> list[tuple[Any, ...]]:
        return [self.show_person(reader, each) for each in people if not self.is_blocked(reader, each)]

    def list_home(self, reader: int) -> list[tuple[int, Any]]:
        """(when, row with the nickname of who boosted it) of every entry, the newest first."""
        followed = {key[1] for key in self.follows if key[0] == reader}
        entries: list[tuple[int, Any]] = []
        for post in self.posts.values():
            is_mine = post.author in {*followed, reader} or post.tags & self.people[reader].tags
            if is_mine and self.is_shown(reader, post) and self.is_home_reply_shown(reader, post):
                entries.append((post.id, (*self.show_post(reader, post), None)))
        for (booster, post_id), when in self.boosts.items():
            post = self.posts[post_id]
            is_for_me = booster in followed and not self.is_hidden(reader, booster)
            if is_for_me and self.is_shown(reader, post):
                entries.append((when, (*self.show_post(reader, post), self.people[booster].nickname)))
        return sorted(entries, key=lambda entry: entry[0], reverse=True)

    def list_profile(self, reader: int | None, person: int, written: Iterable[Post]) -> list[Any]:
        """Rows as those of home: what somebody has written, of which these are some, and has boosted."""
        entries = [
            (post.id, (*self.show_post(reader, post, with_muted=True), None))
            for post in written
            if self.is_shown(reader, post, with_muted=True)
        ]
        for (booster, post_id), when in self.boosts.items():
            post = self.posts[post_id]
            if booster == person and self.is_shown(reader, post):
                entries.append((when, (*self.show_post(reader, post), self.people[booster].nickname)))
        return show_once(sorted(entries, key=lambda entry: entry[0], reverse=True))


def drop(relation: Relation, keys: Iterable[tuple[int, int]]) -> None:
    for key in keys:
        relation.pop(key, None)


def list_whom(relation: Relation, who: int) -> list[int]:
    """The latest first."""
    return sort_latest({key[1]: when for key, when in relation.items() if key[0] == who})


def list_who(relation: Relation, whom: int) -> list[int]:
    """The latest first."""
    return sort_latest({key[0]: when for key, when in relation.items() if key[1] == whom})


def sort_latest(found: dict[int, int]) -> list[int]:
    return sorted(found, key=lambda each: found[each], reverse=True)


def show_once(entries: Iterable[tuple[int, Any]]) -> list[Any]:
    """The rows of entries of home, each post once."""
    found: dict[int, Any] = {}
    for _when, row in entries:
        found.setdefault(row[0], row)
    return list(found.values())
