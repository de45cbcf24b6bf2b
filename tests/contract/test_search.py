"""What `microblog.search.interfaces.ISearch` promises, asked of every adapter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zope.interface import implementer
from zope.interface.verify import verifyObject

from microblog.accounts.models import Nickname, User
from microblog.ids import new_id, new_id_at
from microblog.paging import Cursor
from microblog.posts.models import Post
from microblog.posts.queries import add_post, add_posts, delete_post
from microblog.search.interfaces import (
    ISearch,
    ISearchDelivery,
    ISearchFeed,
    ISearchIndex,
    NotBuilt,
    get_search,
    get_search_index,
)
from microblog.search.language import parse
from tests.walk import bodies, enter, post_ids, write

FIRST_PAGE = Cursor()


def test_the_adapter_provides_its_interfaces(application):
    registry = application.registry
    assert verifyObject(ISearch, get_search(registry))
    assert verifyObject(ISearchIndex, get_search_index(registry))
    for interface in (ISearchFeed, ISearchDelivery):
        part = registry.queryUtility(interface)
        assert part is None or verifyObject(interface, part)


def test_a_post_is_found_as_soon_as_it_is_committed(site):
    post = site.write("The quick brown fox")
    assert site.find("fox") == [post]


def test_a_post_is_found_inside_its_own_transaction_at_the_latest_at_its_end(site):
    with site.database.write() as session:
        post = add_post(session, site.people["susan"], "The quick brown fox")
    assert site.find("quick") == [post]


def test_what_was_rolled_back_is_never_found(site):
    session = site.database.open_session(write=True)
    add_post(session, site.people["susan"], "never said")
    session.rollback()
    session.close()
    assert site.find("never") == []


def test_a_deleted_post_is_not_found(site):
    post = site.write("gone tomorrow")
    with site.database.write() as session:
        delete_post(session, post)
    assert site.find("tomorrow") == []


def test_a_changed_post_is_found_by_its_new_words_only(site):
    post = site.write("the old words")
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post).values(body="the new text"))
    assert site.find("old") == []
    assert site.find("new") == [post]


def test_posts_of_a_deleted_person_are_not_found(site):
    site.write("from susan")
    kept = site.write("from john", "john")
    with site.database.write() as session:
        session.execute(sa.delete(User).where(User.nickname == "susan"))
    assert site.find("from") == [kept]


def test_bulk_statements_count_too(site):
    rows = [
        {"id": new_id(), "user_id": site.people["susan"], "body": f"bulk {n}", "language": None}
        for n in range(50)
    ]
    with site.database.write() as session:
        add_posts(session, rows)
    assert sorted(site.find("bulk")) == sorted(row["id"] for row in rows)
    with site.database.write() as session:
        session.execute(sa.delete(Post).where(Post.body.like("bulk 1%")))
    assert len(site.find("bulk")) == 39


def test_posts_written_from_outside_are_found_after_the_workers_next_round(site):
    with site.database.engine.begin() as connection:  # no session of ours, as from a shell
        connection.execute(
            sa.insert(Post).values(id=7, user_id=site.people["john"], body="written in a shell")
        )
    assert site.catch_up() >= 1
    assert site.catch_up() == 0
    assert site.find("shell") == [7]


def test_posts_deleted_from_outside_are_gone_at_once(site):
    site.write("soon gone")
    with site.database.engine.begin() as connection:
        connection.execute(sa.delete(Post))
    assert site.find("soon") == []


def test_all_words_must_be_there_in_any_order(site):
    both = site.write("apples and pears")
    site.write("only apples")
    assert site.find("pears apples") == [both]


def test_a_phrase_is_words_in_a_row(site):
    row = site.write("the quick brown fox")
    site.write("the brown quick fox")
    assert site.find('"quick brown"') == [row]


def test_words_can_be_excluded(site):
    kept = site.write("tea with milk")
    site.write("tea with sugar")
    assert site.find("tea -sugar") == [kept]
    assert site.find('tea -"with sugar"') == [kept]


def test_exclusions_alone_find_the_rest(site):
    site.write("tea with sugar")
    kept = site.write("coffee")
    assert site.find("-sugar") == [kept]


def test_the_beginning_of_a_word_is_enough_with_a_star(site):
    post = site.write("photosynthesis")
    assert site.find("photo") == []
    assert site.find("photo*") == [post]
    assert site.find("-photo*") == []


def test_an_author_can_be_asked_for(site):
    site.write("hello")
    johns = site.write("hello", "john")
    assert site.find("hello from:john") == [johns]
    assert site.find("from:@JOHN") == [johns]
    assert site.find("from:nobody") == []


def test_a_tag_can_be_asked_for_and_excluded(site):
    tea = site.write("#Téa, and #tea_time", language="en")
    word = site.write("tea without a tag, running", language="en")
    both = site.write("running #tea for two: #شاي", "john", language="en")
    unknown = site.write("#tea")
    assert site.find("tag:tea") == site.find("tag:#TEA") == [unknown, both, tea]
    assert site.find("tag:tea_time") == [tea]
    assert site.find("tag:time") == site.find("tag:te") == site.find("tag:nothing") == []
    assert site.find("tag:شاي") == [both]
    assert site.find("tag:tea runs") == [both]
    assert site.find("tea -tag:tea") == [word]
    assert site.find("-tag:tea") == [word]
    assert site.find("tag:tea -tag:tea_time") == [unknown, both]
    assert site.find("tag:tea from:john") == [both]
    assert site.find("tag:tea lang:en") == [both, tea]
    assert site.find("tag:tea", Cursor(before=both), 3) == [tea]
    assert site.find("tag:tea", Cursor(after=tea), 3) == [both, unknown]
    with site.database.read() as session:
        assert set(site.search.ranked(session, parse("tag:tea"), 10)) == {tea, both, unknown}
        assert site.search.ranked(session, parse("runs tag:tea"), 10) == [both]
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == both).values(body="no tag"))
    assert site.find("tag:شاي") == []


def test_authors_can_be_excluded(site):
    tea = site.write("hello tea", language="es")
    susans = site.write("hello")
    johns = site.write("hello tea", "john")
    assert site.find("hello -from:john") == [susans, tea]
    assert site.find("-from:@SUSAN") == [johns]
    assert site.find("-from:john -tea") == [susans]
    assert site.find("-from:john lang:es") == [tea]
    assert site.find("tea lang:es -from:john") == [tea]
    assert site.find("tea lang:es -from:susan") == []
    assert site.find("hello from:john -from:john") == []
    assert site.find("tea from:susan lang:es -from:john") == [tea]
    assert site.find("-from:john -from:susan") == []
    assert site.find("hello -from:nobody") == [johns, susans, tea]
    assert site.find("hello -from:john", Cursor(before=susans), 3) == [tea]
    assert site.find("hello -from:john", Cursor(after=tea), 3) == [susans]
    with site.database.read() as session:
        assert site.search.ranked(session, parse("hello -from:susan"), 10) == [johns]


def test_former_nicknames_lead_to_their_people(site):
    susans, johns = site.write("hello"), site.write("hello", "john")
    with site.database.write() as session:
        session.execute(sa.insert(Nickname).values(key="former", user_id=site.people["john"]))
    assert site.find("hello from:former") == [johns]
    assert site.find("hello -from:Former") == [susans]


def test_nobody_has_written_what_is_asked_of_an_impossible_nickname(site):
    post = site.write("hello")
    assert site.find("hello from:müller") == []
    assert site.find("hello -from:müller") == [post]


def test_a_language_can_be_asked_for(site):
    site.write("casa")
    spanish = site.write("casa", language="es")
    mexican = site.write("casa", language="es-MX")
    assert site.find("casa lang:es") == [mexican, spanish]
    assert site.find("lang:es-mx") == [mexican]


def test_days_bound_a_search(site):
    days = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (30, 31)] + [
        datetime(2026, 2, 1, 12, tzinfo=UTC)
    ]
    ids = [new_id_at(day) for day in days]
    with site.database.write() as session:
        add_posts(
            session,
            [{"id": i, "user_id": site.people["susan"], "body": "daily", "language": None} for i in ids],
        )
    assert site.find("daily before:2026-01-31") == [ids[0]]
    assert site.find("daily after:2026-01-31") == [ids[2]]
    assert site.find("after:2026-01-30 before:2026-02-01") == [ids[1]]


SAME_WORDS = [
    ("Crème brûlée", "creme BRULEE"),
    ("creme brulee", "crème"),
    ("Die Straße", "strasse"),
    ("Die Strasse", "straße"),
    ("eﬃcient ﬁne", "efficient fine"),
    ("ＦＵＬＬ width", "full"),
    ("日本語のテキスト", "日本"),
    ("日本語のテキスト", "テキ"),
    ("東京へ行く", "行く"),
    ("검색 엔진", "검색"),
    ("Добрый вечер, ёлка", "елка"),
    ("καλημέρα", "ΚΑΛΗΜΕΡΑ"),
    ("नमस्ते दुनिया", "दुनिया"),
    ("שָׁלוֹם", "שלום"),
    ("l'été s'en va", "ete"),
    ("don't panic", "don't"),
    ("snake_case_name", "snake_case"),
    ("C3PO & R2D2", "r2d2"),
    ("it’s", "it's"),
    ("π is 3.14, at 10:30", "3.14 10:30"),
    ("п’ять", "пʼять"),
    ("see https://example.com/a-page", "example.com/a-page"),
    ("said @susan", "@susan"),
    ("エラー404が出た", "エラー"),
    ("エラー404が出た", "404"),
    ("iPhone15を買った", "iphone15"),
    ("iPhone15を買った", "買った"),
    ("Ελληνικάenglish", "english"),
    ("Ελληνικάenglish", "ελληνικα"),
    ("ภาษาไทยง่ายมาก", "ไทย"),
    ("ภาษาไทยง่ายมาก", "ภาษา"),
    ("ภาษาไทยง่ายมาก", "ภาษาไทย"),
    ("ประเทศไทย", "ไทย"),
    ("กรุงเทพฯ", "กรุงเทพ"),
    ("ดื่มน้ำ", "น้ำ"),
    ("ພາສາລາວງ່າຍຫຼາຍ", "ລາວ"),
    ("ប្រទេសកម្ពុជា", "កម្ពុជា"),
    ("ភាសា\u200bខ្មែរងាយណាស់", "ភាសាខ្មែរ"),
    ("ភាសាខ្មែរងាយណាស់", "ខ្មែរ"),
    ("မြန်မာဘာသာစကားလွယ်ကူသည်", "ဘာသာစကား"),
    ("မြန်မာဘာသာစကားလွယ်ကူသည်", "မြန်မာ"),
    ("Łódź", "lodz"),
    ("lodz", "Łódź"),
    ("smørrebrød", "smorrebrod"),
    ("ISTANBUL", "ıstanbul"),
    ("İstanbul", "istanbul"),
    ("مدرســة", "مدرسه"),
    ("أحمد", "احمد"),
    ("السنة ٢٠٢٦", "2026"),
    ("super\u00adcali\u200bfragilistic", "supercalifragilistic"),
    ("\u2067abc\u2069", "abc"),
    ("Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ"),
    ("bru\u0302\u0323l", "bru\u0323\u0302l"),
]


def test_case_accents_and_scripts_do_not_matter(site):
    """All in one site, each text with an author of its own: making a site takes longer than searching."""
    posts: dict[str, list[int]] = {}
    for number, (text, query) in enumerate(SAME_WORDS):
        author = site.join(f"author{number}")
        posts[f"from:{author} {query}"] = [site.write(text, author)]
        site.write("something else", author)
    assert {query: site.find(query) for query in posts} == posts


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("cats", "cat"),
        ("iPhone15", "iphone"),
        ("東京へ行く", "京東"),
        ("ภาษาไทยง่ายมาก", "มา"),
        ("der müller", "mueller"),
        ("don't", "dont"),
    ],
)
def test_what_is_another_word_is_not_found(site, text, query):
    site.write(text)
    assert site.find(query) == []


def test_words_of_hindi_are_not_cut_at_their_vowels(site):
    site.write("दुनिया")
    assert site.find("दन") == []


def test_words_of_any_length_are_found(site):
    longest = site.write("b" * 2000, language="en")
    post = site.write(f"a {'long' * 100}s {'ъ' * 300} {'𐐀' * 150} bags", language="en")
    assert site.find(f'"{"ъ" * 300} {"𐐀" * 150} bags"') == [post]
    assert site.find(f"{'long' * 100}s") == [post]
    assert site.find(f'"a {"long" * 100}s {"ъ" * 90}"') == []
    assert site.find(f"{'long' * 100}*") == [post]
    assert site.find("b" * 200) == []
    assert site.find("b*") == [post, longest]
    assert site.find("bag") == [post]


def test_hits_come_newest_first_and_page_both_ways(site):
    ids = [site.write(f"note {n}") for n in range(7)]
    newest_first = ids[::-1]
    assert site.find("note") == newest_first
    assert site.find("note", Cursor(before=newest_first[2]), 3) == newest_first[3:6]
    assert site.find("note", Cursor(after=ids[2]), 3) == ids[3:6]
    assert site.find("-nothing", Cursor(after=ids[2]), 3) == ids[3:6]


def test_a_rebuilt_index_agrees_with_the_posts(site, index):
    ids = [site.write(f"note {n}") for n in range(5)]
    counted: list[int] = []
    site.settle()
    assert index.rebuild(site.database, counted.append) == 5
    assert sum(counted) == 5
    assert not index.verify(site.database)
    assert site.find("note") == ids[::-1]


def test_an_index_that_is_made_later_holds_the_posts_that_were_there(site, index):
    with site.database.write() as session:
        index.uninstall(session)
    post = site.write("before there was an index")
    with site.database.write() as session:
        index.install(session)
        index.install(session)  # harmless
    index.rebuild(site.database, lambda count: None)
    assert site.find("before") == [post]


def test_without_an_index_everything_but_search_works(site, index):
    with site.database.write() as session:
        index.uninstall(session)
        index.uninstall(session)  # harmless
    site.write("nobody looks for me")
    with pytest.raises(NotBuilt, match="microblog search rebuild"):
        site.find("nobody")
    with pytest.raises(NotBuilt, match="microblog search rebuild"):
        index.verify(site.database)
    assert site.catch_up() == 0
    with site.database.read() as session, pytest.raises(NotBuilt, match="microblog search rebuild"):
        index.status(session)


def test_the_status_counts_documents(site, index):
    site.write("one")
    site.settle()
    with site.database.engine.begin() as connection:
        connection.execute(sa.insert(Post).values(id=7, user_id=site.people["john"], body="two"))
    with site.database.read() as session:
        status = index.status(session)
    assert (status.adapter, status.documents, status.pending) == (index.name, 1, 1)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet="ab\"*-:()^{}+ANDORNTfrom~\\'\x00 ", max_size=30))
def test_no_query_is_an_error(site, text):
    with site.database.read() as session:
        found = site.search.search(session, parse(text), FIRST_PAGE, 3)
    assert found == [] or parse(text)


def test_the_search_page_finds_posts_and_people_and_pages_through_them(application, settle):
    browser = application.browser()
    enter(browser, "susan")
    for n in range(5):
        write(browser, f"susan's note {n}")
    settle()
    page = browser.get("/search?q=susan")
    assert bodies(page) == ["susan's note 4", "susan's note 3", "susan's note 2"]
    assert page.html.select_one(".person-name").get_text(strip=True) == "susan"
    older = page.click("Older posts")
    assert bodies(older) == ["susan's note 1", "susan's note 0"]
    assert post_ids(older.click("Newer posts")) == post_ids(page)


def test_a_search_page_takes_at_most_eight_statements(application):
    from tests.conftest import counted_statements

    browser = application.browser()
    enter(browser, "susan")
    write(browser, "a note")
    with counted_statements(application.database) as statements:
        browser.get("/search?q=note")
    # Who it is, people, the adapter (one or two), the posts, what one did with them, one's own that wait, and
    # the numbers in the header.
    assert len(statements) <= 8, statements


def test_an_unbuilt_index_says_so_on_the_page_and_keeps_what_was_typed(application, index):
    with application.database.write() as session:
        index.uninstall(session)
    page = application.browser().get("/search?q=anything", status=503)
    assert "microblog search rebuild" in page
    assert page.forms["search-form"]["q"].value == "anything"


def test_a_query_that_is_too_long_gets_a_sentence(application):
    page = application.browser().get(f"/search?q={'x' * 501}", status=422)
    assert "too long" in page


def test_a_search_for_nothing_shows_the_form(application):
    page = application.browser().get("/search?q=+++")
    assert page.forms["search-form"]["q"].value == ""


def test_authors_find_their_own_posts_at_once(application):
    browser = application.browser()
    enter(browser, "susan")
    for n in range(5):
        write(browser, f"note {n}")
    write(browser, "something else")
    assert bodies(browser.get("/search?q=note")) == ["note 4", "note 3", "note 2"]
    assert bodies(browser.get("/search?q=note+from:susan")) == ["note 4", "note 3", "note 2"]
    assert bodies(browser.get("/search?q=note+from:john")) == []
    assert bodies(browser.get("/search?q=note+-from:susan")) == []
    assert bodies(browser.get("/search?q=note+-from:john")) == ["note 4", "note 3", "note 2"]
    assert bodies(browser.get("/search?q=note+lang:es")) == []
    assert bodies(browser.get("/search?q=note+before:2001-01-01")) == []
    assert bodies(browser.get("/search?q=note+after:2099-01-01")) == []


def test_hits_are_highlighted_on_the_page(application):
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "Crème <brûlée> at https://example.com/creme by @creme")
    page = browser.get("/search?q=creme")
    assert [mark.get_text() for mark in page.html.select(".post-body mark")] == ["Crème", "creme", "creme"]
    assert bodies(page) == ["Crème <brûlée> at https://example.com/creme by @creme"]


def test_the_best_match_comes_first_when_asked_for(application, settle):
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "tea tea tea")
    write(browser, "tea and a great many other words that have nothing to do with it at all")
    settle()
    page = browser.get("/search?q=tea")
    assert bodies(page)[-1] == "tea tea tea"
    best = page.click("Best match")
    assert bodies(best)[0] == "tea tea tea"
    assert bodies(best.click("Newest")) == bodies(page)


def test_an_order_by_relevance_takes_filters_and_nothing(site, search):
    susans, johns = site.write("tea"), site.write("tea", "john")
    site.settle()
    with site.database.read() as session:
        assert search.ranked(session, parse("tea from:john"), 10) == [johns]
        assert search.ranked(session, parse("from:susan"), 10) == [susans]
        assert search.ranked(session, parse("coffee"), 10) == []
        assert search.ranked(session, parse("te*"), 10) == [johns, susans]


@implementer(ISearch)
class Ghostly:
    """An adapter that also finds posts that are gone, and remembers what it found."""

    def __init__(self, adapter: ISearch, gone: list[int]) -> None:
        self._adapter = adapter
        self._gone = gone
        self.found: list[int] = []

    def search(
        self, session: Any, query: Any, cursor: Any, limit: int, reader_id: int | None = None
    ) -> list[int]:
        ghosts = [ghost for ghost in self._gone if cursor.before is None or ghost < cursor.before]
        there = self._adapter.search(session, query, cursor, limit, reader_id)
        ids = sorted((*there, *ghosts), reverse=True)[:limit]
        self.found += ids
        return ids

    def ranked(self, session: Any, query: Any, limit: int) -> list[int]:
        return self._adapter.ranked(session, query, limit)


def test_a_deleted_post_in_the_index_neither_shows_nor_leaves_a_gap(application, search, settle):
    """No adapter of ours has such entries; one of somebody else's may."""
    browser = application.browser()
    enter(browser, "susan")
    for n in range(5):
        write(browser, f"note {n}")
    settle()
    first = post_ids(browser.get("/search?q=note"))
    gone = [post_id + 1 for post_id in first]
    ghostly = Ghostly(search, gone)
    application.registry.registerUtility(ghostly, ISearch)
    assert post_ids(browser.get("/search?q=note")) == first
    assert set(gone) <= set(ghostly.found)
