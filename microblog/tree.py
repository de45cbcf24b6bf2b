"""The tree: every URL is a walk through resources.

A resource knows its parent, its name and its `__acl__`; access is inherited through the parent.
Rooms hang their branches on the root with `config.add_branch("posts", Posts)`.

The URL of a container ends with a slash, that of a member does not; `ResourceURL` is where this is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from pyramid.interfaces import IResourceURL
from zope.interface import implementer

from microblog.request import Request, is_below_api

# Allowed in a path segment without escaping (RFC 3986, "pchar").
SEGMENT_SAFE = "~!$&'()*+,;=:@-._"
LONGEST_NEXT = 2000  # characters of an address to return to
MOST_KEPT_CHARACTERS = 40  # of a segment: a nickname has 30


class Resource:
    """A node of the tree. It always has its `__parent__`, from which it inherits access."""

    is_container: ClassVar[bool] = False

    def __init__(self, parent: Resource | None, name: str) -> None:
        self.__parent__ = parent
        self.__name__ = name

    @property
    def request(self) -> Request:
        """The request of the traversal, which the root holds."""
        parent: Any = self.__parent__  # None only for the root, which overrides this
        return parent.request


class Container(Resource):
    """A node whose URL ends with a slash; `find` gives its children."""

    is_container = True

    def find(self, name: str) -> Resource | None:
        """The child of that name, or None. Never raises: a `KeyError` in here would be a silent 404."""
        return None

    def __getitem__(self, name: str) -> Resource:
        child = self.find(name)
        if child is None:
            raise KeyError(name)
        return child


Branch = Callable[[Resource, str], Resource]


class Root(Container):
    """`/`"""

    def __init__(self, request: Request) -> None:
        super().__init__(None, "")
        self._request = request

    @property
    def request(self) -> Request:
        return self._request

    def find(self, name: str) -> Resource | None:
        branch = self._request.registry.branches.get(name)
        return None if branch is None else branch(self, name)


class Api(Container):
    """`/api/`: the same branches for programs. Views below it answer with JSON, all others with pages."""

    def find(self, name: str) -> Resource | None:
        branch = self.request.registry.branches.get(name)
        return None if branch in (None, Api) else branch(self, name)


def is_api(request: Request) -> bool:
    """Is the request for `/api` or an address below it?"""
    return is_below_api(request.environ)


@implementer(IResourceURL)
class ResourceURL:
    """The path of a resource; Pyramid's own ends every one with a slash."""

    def __init__(self, resource: Resource, request: Request) -> None:
        names = []
        node: Resource | None = resource
        while node is not None:
            names.append(node.__name__)
            node = node.__parent__
        names.reverse()
        if resource.is_container and len(names) > 1:
            names.append("")
        self.physical_path = self.virtual_path = join_segments(names) or "/"
        self.physical_path_tuple = self.virtual_path_tuple = tuple(names)


def join_segments(names: list[str]) -> str:
    return "/".join(map(quote_segment, names))


def quote_segment(name: str) -> str:
    """A page has hundreds of links to the same few ids and nicknames, so what is short is kept."""
    return _quote(name) if len(name) <= MOST_KEPT_CHARACTERS else _quote.__wrapped__(name)


@lru_cache(maxsize=8_192)
def _quote(name: str) -> str:
    return quote(name, safe=SEGMENT_SAFE)


def get_path(request: Request, resource: Resource, view_name: str = "") -> str:
    """The one path of a page: of the view `view_name` of the resource.

    Not `request.resource_path(post, 'delete')`, which joins the name to a path without a slash.
    """
    path: str = ResourceURL(resource, request).physical_path
    if view_name:
        path = f"{path.rstrip('/')}/{quote_segment(view_name)}"
    return path


def link(request: Request, *segments: object, **query: object) -> str:
    """The path of a page: `link('users', 'susan')`, `link('users', '')`, `link('search', q='x')`.

    An empty last segment makes the slash of a container; None in the query is left out.
    """
    path = f"{request.script_name}/{join_segments([str(segment) for segment in segments])}"
    pairs = {key: value for key, value in query.items() if value is not None}
    return f"{path}?{urlencode(pairs)}" if pairs else path


def here(request: Request) -> str:
    """The path and query of this request, as they were sent, to return to.

    "/" when they cannot be decoded, or are too long for a `next`, which each link of a page would repeat.
    """
    try:
        address = str(request.path_qs)
    except UnicodeDecodeError:
        return "/"
    return address if len(address) <= LONGEST_NEXT else "/"


def add_branch(config: Any, name: str, branch: Branch) -> None:
    """Directive: `/{name}` is the resource that `branch(root, name)` makes."""
    config.action(("branch", name), lambda: config.registry.branches.__setitem__(name, branch))
    config.reserve_nicknames(name)


def reserve_nicknames(config: Any, *words: str) -> None:
    """Directive: nobody may have these nicknames, which people would take for the site or one of its pages.

    The names of branches are reserved by `add_branch`.
    """
    words = tuple(word.lower() for word in words)
    config.action(None, lambda: config.registry.reserved_nicknames.update(words))


def includeme(config: Any) -> None:
    config.registry.branches = {}
    config.registry.reserved_nicknames = set()
    config.add_directive("add_branch", add_branch)
    config.add_directive("reserve_nicknames", reserve_nicknames)
    config.add_resource_url_adapter(ResourceURL)
    config.set_root_factory(Root)
    config.add_request_method(link)
    config.add_request_method(here, property=True)
