"""What the documents name exists, and what they show is true.

A document that promises a command, a path or a setting which is not there fails here, and so does a
setting, a decision or a variable of the tests that no document tells about.
"""

from __future__ import annotations

import ast
import configparser
import doctest
import fnmatch
import pkgutil
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click
import pytest
from pyramid.interfaces import ITweens
from pyramid.paster import get_appsettings
from pyramid.path import DottedNameResolver
from pyramid.scripting import prepare

from microblog import configure
from microblog.accounts.queries import add_user
from microblog.commands import main, pshell
from microblog.posts.queries import add_post
from microblog.search.adapters import ADAPTERS
from microblog.settings import NOT_SETTINGS, PREFIX, Setting

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md")],
    key=lambda path: path.relative_to(ROOT).as_posix(),
)
OUR_HOSTS = {"localhost", "127.0.0.1", "example.org"}
# What the documents tell people to make, by the beginning of its path.
MADE_BY_COMMANDS = (".venv", ".cache/bench/", "dist/", "htmlcov", "microblog.sqlite3", "local.ini")
FILE_SUFFIXES = frozenset(
    [
        ".py",
        ".md",
        ".ini",
        ".toml",
        ".lock",
        ".jinja2",
        ".css",
        ".js",
        ".svg",
        ".png",
        ".jsonl",
        ".xml",
        ".mako",
    ]
)
SHELL_LANGUAGES = ("sh", "console")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_LINES_OF_A_DECISION = 40
SECRET = "long enough to be the secret of a test"


@dataclass(frozen=True)
class Block:
    """A fenced block: the language after its fence, and what is in it."""

    language: str
    text: str


@dataclass(frozen=True)
class Document:
    """A Markdown file, taken apart."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[Block]:
        return [Block(*match) for match in re.findall(r"^```(\w*)\n(.*?)^```$", self.text, re.M | re.S)]

    @property
    def prose(self) -> str:
        """All but the fenced blocks."""
        return re.sub(r"^```\w*\n.*?^```$", "", self.text, flags=re.M | re.S)

    @property
    def spans(self) -> list[str]:
        """What stands between backticks in the prose."""
        found = re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", self.prose, re.S)
        return [" ".join(text.split()) for _, text in found]

    @property
    def links(self) -> list[tuple[str, str]]:
        """(text, target), images included."""
        prose = re.sub(r"`[^`\n]*`", "code", self.prose)
        return re.findall(r"\[([^\]]*)\]\(([^)\s]+)\)", prose)

    @property
    def images(self) -> list[tuple[str, str]]:
        return re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", self.prose)

    @property
    def command_lines(self) -> list[str]:
        """What a reader may type: the lines of shell blocks, and the code in the prose."""
        lines = list(self.spans)
        for block in self.blocks:
            if block.language in SHELL_LANGUAGES:
                joined = block.text.replace("\\\n", " ")
                lines += [
                    line.removeprefix("$ ")
                    for line in map(str.strip, joined.splitlines())
                    if line and not line.startswith("#")
                ]
        return [re.sub(r"^(?:export )?(?:[A-Z_]+=\S+ )+", "", line) for line in lines]

    def anchors(self) -> set[str]:
        """The names that links may give after #, made of headings as code hosts make them."""
        headings = re.findall(r"^#+ +(.+)$", self.prose, re.M)
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def document(request: pytest.FixtureRequest) -> Document:
    return Document(request.param)


@cache
def settings() -> dict[str, Setting[Any]]:
    """Every setting by its key: those of the application, and those of each search adapter."""
    config = configure({"microblog.secret": SECRET})
    found = list(config.registry.microblog)
    for name in ADAPTERS.values():
        found += getattr(DottedNameResolver().resolve(name), "SETTINGS", ())
    return {setting.key: setting for setting in found}


@cache
def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


@cache
def file_names() -> frozenset[str]:
    """The name of every file of the repository."""
    return frozenset(
        path.name
        for top in ROOT.iterdir()
        if top.name in (".ci", ".gitignore") or not top.name.startswith((".", "htmlcov"))
        for path in (top.rglob("*") if top.is_dir() else [top])
        if path.is_file()
    )


# Links and paths


def broken_links(document: Document) -> list[str]:
    broken = []
    for _, target in document.links:
        url = urlsplit(target)
        if url.scheme:
            if url.hostname not in OUR_HOSTS:
                broken.append(f"{target}: only {', '.join(sorted(OUR_HOSTS))} may be linked")
            continue
        file = (document.path.parent / unquote(url.path)).resolve() if url.path else document.path
        if not file.exists() or (url.path and not file.is_relative_to(ROOT)):
            broken.append(f"{target}: there is no such file")
        elif url.fragment and url.fragment not in Document(file).anchors():
            broken.append(f"{target}: there is no such heading")
    return broken


def test_every_link_leads_somewhere(document):
    assert not broken_links(document)


def test_every_image_is_there_and_described(document):
    for description, target in document.images:
        assert description, f"{target} needs a description for those who do not see it"
        assert (document.path.parent / target).read_bytes().startswith(PNG_SIGNATURE)


def test_every_document_can_be_reached_from_the_readme():
    reached: set[Path] = set()
    pending = [ROOT / "README.md"]
    while pending:
        path = pending.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        targets = [urlsplit(target).path for _, target in Document(path).links if "://" not in target]
        pending += [(path.parent / target).resolve() for target in targets if target]
    assert not {str(Document(path)) for path in DOCUMENTS if path not in reached}


def is_path(text: str) -> bool:
    """Does this look like a path of the repository, rather than a URL, a placeholder or a phrase?"""
    if not re.fullmatch(r"\.?[\w*][\w.*@-]*(?:/[\w.*@-]*)*", text) or text.startswith(MADE_BY_COMMANDS):
        return False
    name = Path(text).name
    if Path(name).stem.isupper() and name not in file_names():  # FILE.ini
        return False
    return "/" in text or Path(text).suffix in FILE_SUFFIXES


def path_exists(text: str) -> bool:
    if "*" in text:
        return any(ROOT.glob(text))
    if "/" in text:
        return (ROOT / text).exists()
    return text in file_names()


def missing_paths(document: Document) -> set[str]:
    words = list(document.spans)
    for line in document.command_lines:
        words += line.split()[:1] if " " in line else []
        words += [word for word in line.split()[1:] if "/" in word]
    return {word for word in words if is_path(word) and not path_exists(word)}


def test_every_path_exists(document):
    assert not missing_paths(document)


# Commands


def unknown_targets(document: Document) -> list[str]:
    """Targets of make, and variables given to it, that the Makefile does not have."""
    targets = set(re.findall(r"^([a-z]+):", makefile(), re.M))
    variables = set(re.findall(r"^([A-Z]+) *\??=", makefile(), re.M))
    unknown = []
    for line in document.command_lines:
        for words in re.findall(r"(?:^|&& *)make ((?:[^&]|&(?!&))+)", line):
            for word in shlex.split(words.replace("…", "...")):
                name, is_variable, _ = word.partition("=")
                if re.fullmatch(r"\w+", name) and name not in (variables if is_variable else targets):
                    unknown.append(f"make {words}: {name}")
    return unknown


def test_every_make_target_exists(document):
    assert not unknown_targets(document)


def words_after_microblog(line: str) -> list[str] | None:
    """The arguments of the command `microblog`, when this line calls it."""
    match = re.match(r"(?:exec )?(?:\S*/)?microblog +(?=[\w\[-])(.*)", line)
    if match is None:
        return None
    arguments = re.split(r" (?:&&|\||>|#) ?", match[1])[0]
    return shlex.split(arguments.replace("[", "").replace("]", ""))


def fault_of_command(words: list[str]) -> str | None:
    """What is wrong with these arguments of `microblog`; capitals and … stand for anything."""
    command: click.Command = main
    context = click.Context(command)
    remaining = iter(words)
    for word in remaining:
        if word.startswith("-"):
            options = {name: option for option in command.get_params(context) for name in option.opts}
            options |= {n: option for option in command.get_params(context) for n in option.secondary_opts}
            name, _, value = word.partition("=")
            option = options.get(name)
            if not isinstance(option, click.Option):
                return f"{command.name} has no option {name}"
            if not option.is_flag and not value:
                next(remaining, None)
        elif isinstance(command, click.Group):
            if word in ("…", "...") or word.isupper():
                return None
            choices = [(name, command.get_command(context, name)) for name in word.split("|")]
            missing = [name for name, found in choices if found is None and name not in ("…", "...")]
            if missing:
                return f"{command.name} has no command {', '.join(missing)}"
            command = next(found for _, found in choices if found is not None)
    return None


def faults_of_commands(document: Document) -> list[str]:
    faults = []
    for line in document.command_lines:
        words = words_after_microblog(line)
        if words and (fault := fault_of_command(words)):
            faults.append(f"{line}: {fault}")
    return faults


def test_every_command_of_microblog_exists(document):
    assert not faults_of_commands(document)


# Settings and variables


def unknown_names(document: Document) -> list[str]:
    """Dotted names in backticks that are neither settings nor anything of ours that can be imported."""
    unknown = []
    for name in document.spans:
        if not re.fullmatch(r"microblog(?:\.\w+)+", name) or name.startswith(MADE_BY_COMMANDS):
            continue
        if name not in settings():
            try:
                pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                unknown.append(name)
    return unknown


def test_every_name_in_microblog_is_a_setting_or_can_be_imported(document):
    assert not unknown_names(document)


def unknown_keys(text: str) -> set[str]:
    """Keys in an ini file, those in comments included, that are no settings."""
    return set(re.findall(r"^(?:# ?)?(microblog\.[a-z0-9_.]+) *=", text, re.M)) - settings().keys()


def test_every_key_in_an_example_is_a_setting(document):
    assert not {key for block in document.blocks for key in unknown_keys(block.text)}
    assignments = [span for span in document.spans if re.match(r"microblog\.[\w.]+ =", span)]
    assert not unknown_keys("\n".join(assignments))


@pytest.mark.parametrize("name", ["development.ini", "production.ini"])
def test_every_key_in_an_ini_file_is_a_setting_also_in_its_comments(name):
    assert not unknown_keys((ROOT / name).read_text(encoding="utf-8"))


def rows_of_settings() -> list[str]:
    """The lines that docs/settings.md should have."""
    return [
        f"| `{setting.key}` | {shown(setting.default)}| `{setting.variable}` | {setting.help} |"
        for setting in settings().values()
    ]


def shown(value: object) -> str:
    """A default as the ini file would spell it; nothing for None and the empty text."""
    if isinstance(value, bool):
        value = str(value).lower()
    return "" if value is None or str(value) == "" else f"`{value}` "


def test_settings_md_has_a_line_for_every_setting_as_it_is_in_the_code():
    lines = (DOCS / "settings.md").read_text(encoding="utf-8").splitlines()
    there = [line for line in lines if line.startswith("| `")]
    missing = [line for line in rows_of_settings() if line not in there]
    assert not missing, "\n".join(["lines to add:", *missing])
    assert sorted(there) == sorted(rows_of_settings()), "a line for no setting, or a setting twice"


@cache
def texts_of_tests() -> str:
    """Everything that reads a variable: the tests but these, and CI."""
    files = [path for path in (ROOT / "tests").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    files = [path for path in files if not path.is_relative_to(Path(__file__).parent)]
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in [*files, ROOT / ".ci/run"]
    )


def variables_in(text: str) -> set[str]:
    return set(re.findall(r"\bMICROBLOG_[A-Z0-9_]*[A-Z0-9]\b(?!_)", text))


def unknown_variables(document: Document) -> set[str]:
    known = {setting.variable for setting in settings().values()} | set(NOT_SETTINGS)
    return variables_in(document.text) - known - variables_in(texts_of_tests())


def test_every_variable_exists(document):
    assert not unknown_variables(document)


def test_testing_md_tells_every_variable_of_the_tests():
    used = {name for name in variables_in(texts_of_tests()) if name.startswith("MICROBLOG_TEST_")}
    assert used <= variables_in((DOCS / "testing.md").read_text(encoding="utf-8"))


# Examples


def python_examples(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if block.language == "python":
            yield block.text
        elif block.language == "pycon":
            examples = doctest.DocTestParser().get_examples(block.text)
            assert examples, f"{document} has a session without an input"
            yield from (example.source for example in examples)


def test_every_python_example_compiles(document):
    for source in python_examples(document):
        ast.parse(source)


def test_what_python_examples_import_is_there(document):
    for source in python_examples(document):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    pkgutil.resolve_name(f"{node.module}:{name.name}")


def test_every_ini_example_can_be_read(document):
    for block in document.blocks:
        if block.language == "ini":
            text = block.text if block.text.lstrip().startswith("[") else f"[{PREFIX}]\n{block.text}"
            configparser.ConfigParser(interpolation=None).read_string(text)


class LikeDocumented(doctest.OutputChecker):
    """Numbers and addresses in memory may be others than those in the document."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(without_numbers(want), without_numbers(got), optionflags)


def without_numbers(text: str) -> str:
    return re.sub(r"\b(?:0x[0-9a-f]+|\d+)\b", "N", text)


def test_the_sessions_in_sessions_md_run_as_they_are_written(make_application):
    document = Document(DOCS / "sessions.md")
    started: list[tuple[str, str]] = []
    for block in document.blocks:
        if block.language == "console" and "pshell" in block.text:
            started.append((block.text, ""))
        elif block.language == "pycon":
            started[-1] = (started[-1][0], started[-1][1] + block.text)
    assert len(started) == 2
    for command, typed in started:
        adapter = re.search(r"MICROBLOG_SEARCH=(\S+)", command)
        application = make_application({"microblog.search": adapter[1]} if adapter else {})
        if not adapter:
            with application.database.write() as session:
                add_post(session, add_user(session, "susan"), "Hello, world")
        with prepare(registry=application.registry) as env:
            env["app"] = application.wsgi
            shell = pshell.setup(env)
            next(shell)
            test = doctest.DocTestParser().get_doctest(typed, env, str(document), None, 0)
            printed: list[str] = []
            runner = doctest.DocTestRunner(checker=LikeDocumented(), verbose=False)
            result = runner.run(test, out=printed.append, clear_globs=True)
            assert result.failed == 0, "".join(printed)
            assert result.attempted > 0
            with pytest.raises(StopIteration):
                next(shell)


# Architecture and decisions


def test_the_documented_order_of_tweens_is_the_real_one():
    (documented,) = [
        block.text.split()
        for block in Document(DOCS / "architecture.md").blocks
        if fnmatch.fnmatch(block.text, "*_tween*tm_tween_factory*")
    ]
    in_ini = get_appsettings(str(ROOT / "production.ini"), name="main")
    config = configure({**in_ini, "microblog.secret": SECRET})
    config.commit()
    tweens = config.registry.queryUtility(ITweens)
    assert documented == [name for name, _ in tweens.implicit()]


def test_every_room_and_module_is_in_the_architecture():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "microblog"
    rooms = {f"`microblog/{path.parent.name}/`" for path in package.glob("*/__init__.py")}
    modules = {f"`microblog/{path.name}`" for path in package.glob("*.py")}
    assert not {name for name in rooms | modules if name not in text}


DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_four_short_parts(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Status", "Consequences"]
    assert len(text.splitlines()) <= MOST_LINES_OF_A_DECISION


def test_decisions_are_numbered_without_a_gap_and_listed_in_order():
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))
    listed = [target for _, target in Document(DOCS / "adr/README.md").links]
    assert listed == [path.name for path in DECISIONS]


# These checks themselves

FALSE = [
    (broken_links, "[Home](nowhere.md)"),
    (broken_links, "[Home](http://elsewhere.example.com/)"),
    (missing_paths, "`microblog/nowhere.py`"),
    (missing_paths, "`nowhere.py`"),
    (missing_paths, "```sh\ntests/services/mysql start\n```"),
    (unknown_targets, "`make tset`"),
    (unknown_targets, "```sh\nexport A=1 && make test ARGUMENTS=-x\n```"),
    (faults_of_commands, "`microblog user ad NICKNAME`"),
    (faults_of_commands, "`microblog -c FILE.ini server`"),
    (faults_of_commands, "```sh\n.venv/bin/microblog serve --updrade\n```"),
    (unknown_names, "`microblog.pagesize`"),
    (unknown_names, "`microblog.posts.idz.new_id`"),
    (unknown_variables, "MICROBLOG_PAGESIZE"),
    (unknown_variables, "`MICROBLOG_TEST_NOTHING=1`"),
]
TRUE = """
[House](#the-house) at http://localhost:6543, `microblog/db.py`, `queries.py`, `FILE.ini`,
`make test ARGS="-k x"`, `microblog [-c FILE.ini] [GROUP] COMMAND`,
`microblog user add NICKNAME`, `microblog database upgrade|check`,
`microblog.page_size`, `microblog.page_size = 50`, `microblog.ids.new_id`, MICROBLOG_PAGE_SIZE,
`MICROBLOG_TEST_WHEEL=1`, `GET /posts/12`, `.venv/bin/python`

# The house
"""


@pytest.mark.parametrize(("check", "text"), FALSE, ids=[text for _, text in FALSE])
def test_the_checks_notice_what_is_not_there(check, text, tmp_path):
    path = tmp_path / "document.md"
    path.write_text(f"See {text} for more.\n" if "\n" not in text else f"{text}\n", encoding="utf-8")
    assert check(Document(path))


CHECKS = (broken_links, missing_paths, unknown_targets, faults_of_commands, unknown_names, unknown_variables)


@pytest.mark.parametrize("check", CHECKS)
def test_the_checks_let_pass_what_is_there(check, tmp_path):
    path = tmp_path / "document.md"
    path.write_text(TRUE, encoding="utf-8")
    assert not check(Document(path))


@pytest.mark.parametrize(
    ("document", "example"), [("search-adapters.md", "scanning.py"), ("translation.md", "shouting.py")]
)
def test_the_example_of_an_adapter_is_the_one_that_passes_the_contract(document, example):
    examples = [block.text for block in Document(DOCS / document).blocks]
    assert (ROOT / "tests/contract" / example).read_text(encoding="utf-8") in examples


def test_the_room_that_the_architecture_shows_is_the_one_of_the_tests():
    room = (ROOT / "tests/plugins/guestbook/__init__.py").read_text(encoding="utf-8")
    # Not "python": tests/functional/plugins/ run it, and an import would add its table to our models.
    assert Block("py", room) in Document(DOCS / "architecture.md").blocks
