"""The tree: resources, their paths, and links."""

from __future__ import annotations

import pytest
from pyramid.config import Configurator
from pyramid.exceptions import ConfigurationConflictError
from pyramid.request import Request
from pyramid.traversal import traverse

from microblog import tree
from microblog.tree import Container, Resource, ResourceURL, Root, get_path, here, link


class Branch(Container):
    def find(self, name: str) -> Resource | None:
        return Resource(self, name) if name.startswith("leaf") else None


@pytest.fixture
def request_(application):
    request = Request.blank("/")
    request.registry = application.registry
    return request


@pytest.fixture
def root(request_):
    return Root(request_)


def test_a_resource_knows_its_parent_its_name_and_the_request(root, request_):
    branch = Branch(root, "branch")
    leaf = branch["leaf"]
    assert (leaf.__parent__, leaf.__name__) == (branch, "leaf")
    assert leaf.request is branch.request is root.request is request_
    assert (root.__parent__, root.__name__) == (None, "")


def test_a_child_that_is_not_found_is_a_key_error(root):
    with pytest.raises(KeyError):
        Branch(root, "branch")["other"]
    with pytest.raises(KeyError):
        Container(root, "empty")["anything"]
    with pytest.raises(KeyError):
        root["nothing"]


def test_the_rooms_hang_on_the_root(root):
    for name in ("users", "posts", "account", "avatars"):
        assert root[name].__name__ == name
        assert root[name].__parent__ is root


def test_two_rooms_cannot_have_one_branch():
    config = Configurator(root_factory=Root)
    config.include(tree)
    config.include(one_room)
    config.include(another_room)
    with pytest.raises(ConfigurationConflictError):
        config.commit()


def one_room(config):
    config.add_branch("x", Branch)


def another_room(config):
    config.add_branch("x", Branch)


def test_containers_end_with_a_slash_and_members_do_not(root, request_):
    branch = Branch(root, "branch")
    assert get_path(request_, root) == "/"
    assert get_path(request_, branch) == "/branch/"
    assert get_path(request_, branch["leaf"]) == "/branch/leaf"


def test_a_view_of_either_has_no_slash_at_its_end(root, request_):
    branch = Branch(root, "branch")
    assert get_path(request_, root, "explore") == "/explore"
    assert get_path(request_, branch, "new") == "/branch/new"
    assert get_path(request_, branch["leaf"], "delete") == "/branch/leaf/delete"


def test_what_pyramid_makes_of_a_resource_is_the_same(root, request_):
    leaf = Branch(root, "branch")["leaf ä/?"]
    assert request_.resource_path(leaf) == "/branch/leaf%20%C3%A4%2F%3F"
    assert ResourceURL(leaf, request_).physical_path_tuple == ("", "branch", "leaf ä/?")
    assert request_.resource_url(root) == "http://localhost/"


def test_a_path_leads_to_its_resource(root, request_):
    for path in ("/users/", "/posts/", "/account/"):
        assert get_path(request_, traverse(root, path)["context"]) == path


@pytest.mark.parametrize(
    ("segments", "query", "path"),
    [
        ((), {}, "/"),
        (("explore",), {}, "/explore"),
        (("users", ""), {}, "/users/"),
        (("users", "susan", "follow"), {}, "/users/susan/follow"),
        (("posts", 12), {}, "/posts/12"),
        (("a b", "ä", "x/y"), {}, "/a%20b/%C3%A4/x%2Fy"),
        (("search",), {"q": "a b&c", "by": None}, "/search?q=a+b%26c"),
    ],
)
def test_a_link_is_a_path_and_a_query(request_, segments, query, path):
    assert link(request_, *segments, **query) == path


def test_a_link_begins_where_the_application_is_mounted(request_):
    request_.script_name = "/blog"
    assert link(request_, "explore") == "/blog/explore"


@pytest.mark.parametrize("path", ["/", "/users/susan?before=5", "/search?q=a+b"])
def test_the_address_to_return_to_is_that_of_the_request(path):
    assert here(Request.blank(path)) == path


def test_the_address_to_return_to_is_the_front_page_when_the_path_is_unreadable():
    request = Request.blank("/")
    request.environ["PATH_INFO"] = "/\xff"
    assert here(request) == "/"
