"""Timelines: home, explore, and the posts of a person on their profile."""

from __future__ import annotations

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest

from microblog.i18n import _, n_
from microblog.paging import Cursor, Found, parse_id
from microblog.people.resources import Person
from microblog.posts.details import prepare_posts
from microblog.posts.forms import PostForm, ReplyForm, normalize_tag
from microblog.posts.paging import POSTS, REPLIES
from microblog.posts.queries import PostRow, get_post
from microblog.posts.resources import DeletedPost, PostPage
from microblog.posts.rules import is_known_language
from microblog.request import Request
from microblog.tags.queries import is_followed, list_tags_of_the_week
from microblog.tags.resources import Tag
from microblog.timelines import queries
from microblog.timelines.filters import make_home_filter
from microblog.timelines.home import list_home_posts
from microblog.timelines.profile import list_profile_posts
from microblog.tree import Root
from microblog.web.pages import page_view
from microblog.web.paging import read_page

MOST_NEW_POSTS = 50  # that are counted for somebody who has a page open
MOST_SUGGESTED = 5


@page_view(context=Root, compressed=True, renderer="templates/home.jinja2")
def home(root: Root, request: Request) -> Any:
    me = request.identity
    if me is None:
        request.override_renderer = "templates/public.jinja2"
        return {"page": read_public_timeline(request), "page_name": "home"}

    def fetch(cursor: Cursor, limit: int) -> Any:
        return read_home_posts(request, cursor, limit)

    page = read_page(request, POSTS, fetch)
    is_new_here = not page.rows and page.previous_url is None and page.next_url is None
    suggested = queries.list_suggested_people(request.dbsession, me.id, MOST_SUGGESTED) if is_new_here else []
    return {"form": PostForm(request), "page": page, "suggested": suggested, "page_name": "home"}


def read_home_posts(request: Request, cursor: Cursor, limit: int, **more: Any) -> Found[PostRow]:
    is_left_out = make_home_filter(request)
    return list_home_posts(request.dbsession, request.me.id, cursor, limit, is_left_out=is_left_out, **more)


@page_view(context=Root, name="explore", compressed=True, renderer="templates/explore.jinja2")
def explore(root: Root, request: Request) -> Any:
    language = read_language(request)
    page = read_public_timeline(request, language)
    is_first = page.previous_url is None and language is None
    return {
        "page": page,
        "weekly": list_tags_of_the_week(request.dbsession) if is_first else [],
        "language_shown": language,
        "page_name": "explore",
    }


def read_language(request: Request) -> str | None:
    """The language in the address, in lower case; None for all.

    :raises HTTPBadRequest: when it is not the code of a language.
    """
    tag = normalize_tag(request.GET.get("lang", ""))
    if tag and not is_known_language(tag):
        raise HTTPBadRequest(_("“lang” in this address must be the code of a language: German is de."))
    return tag or None


def read_public_timeline(request: Request, language: str | None = None) -> Any:
    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_public_posts(
            request.dbsession, request.reader_id, cursor, limit, language=language
        )

    query: dict[str, Any] = {} if language is None else {"lang": language}
    return read_page(request, POSTS, fetch, **query)


@page_view(context=Root, name="updates", renderer="json")
def updates(root: Root, request: Request) -> Any:
    """How many posts are newer than `after` in the timeline that a page shows, in a sentence for app.js.

    Up to the id `own` the page shows the reader's own, of which some may not be published yet.
    The ETag is made of what was found, so a browser that knows it already gets a 304.
    """
    after, own = (parse_id(request.GET.get(name, "0")) for name in ("after", "own"))
    if after is None or own is None:
        raise HTTPBadRequest(_("“after” in this address must be the number of a post."))
    me = request.identity
    of_home = request.GET.get("timeline") == "home"
    most = MOST_NEW_POSTS + 1
    if me is not None and of_home:
        # Of the nearest ones: whoever looks at the page sees the others.
        newer = read_home_posts(request, Cursor(after=after), most, pages=(1,))
        count = sum(not (post.author_id == me.id and after < post.id <= own) for post in newer)
    else:
        count = queries.count_newer_posts(request.dbsession, request.reader_id, after, own, most)
    response = request.response
    response.cache_control = "private, no-cache"
    response.vary = ("Cookie", "Accept-Language")
    response.etag = f"{request.reader_id or 0}-{after}-{count}-{request.language.tag}"
    response.conditional_response = True
    return {"count": min(count, MOST_NEW_POSTS), "text": request.translate(describe_new_posts(count))}


def describe_new_posts(count: int) -> str:
    if count > MOST_NEW_POSTS:
        return _("More than %(count)d new posts", count=MOST_NEW_POSTS)
    return n_("%(count)d new post", "%(count)d new posts", count) if count else ""


@page_view(context=PostPage, compressed=True, renderer="templates/thread.jinja2")
def thread(page: PostPage, request: Request) -> Any:
    """A post, what it answers, and the replies to it, the oldest first."""
    post = page.post
    answered = (
        None if post.reply_to is None else get_post(request.dbsession, post.reply_to, request.reader_id)
    )
    form = None if request.identity is None else ReplyForm(request, page.post.id)
    replies = read_replies(request, post.id)
    prepare_posts(request, [post, *([answered] if answered else []), *replies.rows])
    return {"post": post, "answered": answered, "form": form, "page": replies}


@page_view(context=DeletedPost, renderer="templates/deleted.jinja2")
def deleted_thread(deleted: DeletedPost, request: Request) -> Any:
    request.response.status_int = 410
    return {"page": read_replies(request, deleted.post_id)}


def read_replies(request: Request, post_id: int) -> Any:
    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_replies(request.dbsession, request.reader_id, post_id, cursor, limit)

    return read_page(request, REPLIES, fetch)


@page_view(context=Person, compressed=True, renderer="templates/profile.jinja2")
def profile(user: Person, request: Request) -> Any:
    return make_profile_page(user, request, with_replies=False)


@page_view(context=Person, name="replies", compressed=True, renderer="templates/profile.jinja2")
def profile_with_replies(user: Person, request: Request) -> Any:
    return make_profile_page(user, request, with_replies=True)


@page_view(
    context=Person,
    name="mentions",
    permission="see_own",
    compressed=True,
    renderer="templates/mentions.jinja2",
)
def mentions(user: Person, request: Request) -> Any:
    """The posts that mention oneself."""

    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_posts_that_mention(request.dbsession, user.person.id, cursor, limit)

    return {"person": user.person, "page": read_page(request, POSTS, fetch), "page_name": "profile"}


@page_view(context=Tag, compressed=True, renderer="templates/tag.jinja2")
def tag(page: Tag, request: Request) -> Any:
    """The posts that have a tag."""
    me = request.reader_id

    def fetch(cursor: Cursor, limit: int) -> Any:
        return queries.list_tagged_posts(request.dbsession, me, page.tag, cursor, limit)

    return {
        "tag": page.tag,
        "i_follow": me is not None and is_followed(request.dbsession, me, page.tag),
        "page": read_page(request, POSTS, fetch),
    }


def make_profile_page(user: Person, request: Request, *, with_replies: bool) -> dict[str, Any]:
    person = user.person
    me = request.reader_id

    def fetch(cursor: Cursor, limit: int) -> Any:
        return list_profile_posts(request.dbsession, me, person.id, cursor, limit, with_replies=with_replies)

    return {
        "person": person,
        "with_replies": with_replies,
        "page": read_page(request, POSTS, fetch),
        "is_me": me == person.id,
        "i_follow": person.i_follow,
        "page_name": "profile" if me == person.id else "",
    }
