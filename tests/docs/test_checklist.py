"""Each line of the checklist about accounts and what is private has a test that says so in its docstring."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# "FOUNDATION 6, line 12" or "FOUNDATION 6, lines 3 and 12".
SAID = re.compile(r"FOUNDATION 6, lines? (\d+(?:(?:, | and )\d+)*)")
# What the lines of the checklist ask for, in short.
LINES = {
    1: "a log-in gives a new session and form token; planted ones are dead",
    2: "the cookie of a session that was logged out is nobody's",
    3: "a new password ends all other sessions",
    4: "deleting an account ends its sessions at once",
    5: "sessions have an idle and an absolute lifetime",
    6: "one sees and ends one's sessions; password and address ask for the present password",
    7: "the cookie is bound to its host and hidden from scripts; only its hash is stored",
    8: "log-ins are limited by account, by address (IPv6 by /64) and for the site",
    9: "the owner gets in from another address during an attack",
    10: "an unknown person, a wrong password and an account that is gone get the same answer",
    11: "a reset for an unknown address has the same answer, no mail, and a limit",
    12: "a reset link is random, hashed, used once, and dies within the hour",
    13: "of two uses of a reset link at once one wins",
    14: "signing up does not tell who is there; of two with one name one wins",
    15: "which passwords are taken, and to the letter",
    16: "hashes of old parameters are made anew at the log-in",
    23: "private pages are kept by nobody",
    33: "who is blocked is in no list and no number",
    35: "mails have no forged header, and links to the configured host",
}


@cache
def list_said() -> dict[int, list[str]]:
    """The tests that say that they show a line, by its number."""
    said: dict[int, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for found in SAID.finditer(" ".join((ast.get_docstring(node) or "").split())):
                    for number in re.findall(r"\d+", found[1]):
                        said.setdefault(int(number), []).append(f"{path.relative_to(TESTS)}: {node.name}")
    return said


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_checklist_has_a_test_that_says_so(line):
    assert list_said().get(line), f"No test’s docstring says “FOUNDATION 6, line {line}”: {LINES[line]}."
