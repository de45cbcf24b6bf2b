"""`/search` and its help page."""

from __future__ import annotations

from microblog.tree import Resource


class Search(Resource):
    """`/search`; it holds nothing, so its address has no slash."""
