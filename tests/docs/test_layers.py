"""What `pyproject.toml` says of the direction of imports is the order in which the packages are included."""

from __future__ import annotations

import tomllib
from pathlib import Path

from benchmarks.graph import find_cycles, read_arrows
from microblog import INCLUDES

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_layers_are_in_the_order_of_inclusion():
    contracts = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    upward = [f"microblog.{layer}" for layer in reversed(layers)]
    assert [layer for layer in upward if layer in INCLUDES] == list(INCLUDES)


def test_the_graph_finds_cycles():
    arrows = {
        name: frozenset(others.split()) for name, others in {"a": "b", "b": "c", "c": "a", "d": "a"}.items()
    }
    assert find_cycles(arrows) == [["a", "b", "c"]]


def test_no_package_imports_itself_through_another_one():
    arrows = read_arrows()
    assert "settings" in arrows["db"]
    assert find_cycles(arrows) == []
