"""Word forms (docs/adr/0043-word-forms.md), asked of every adapter."""

from __future__ import annotations

import sqlalchemy as sa

from microblog.posts.models import Post
from microblog.search.language import parse
from tests.walk import bodies, enter, write

FORMS = [
    ("en", "Susan runs home", "running"),
    ("en", "running", "runs"),
    ("en-GB", "Two Cats’ tails", "cat"),
    ("de", "Ein Haus am See", "Häuser"),
    ("de", "Viele HÄUSER", "haus"),
    ("de", "viele Häuser", "hauses"),
    ("es", "muchas canciones", "canción"),
    ("es", "una canción", "canciones"),
    ("es-MX", "una cancion", "canciones"),
    ("fr", "les chevaux et l’école", "écoles"),
    ("it", "le ragazze", "ragazza"),
    ("pt", "dois gatos", "gato"),
    ("nl", "de boeken", "boek"),
    ("nb", "mange bøker", "bøkene"),
    ("nn", "husa", "husene"),
    ("sv", "flickorna", "flicka"),
    ("fi", "talossa", "talo"),
    ("ru", "новые книги", "книгу"),
    ("el", "οι άνθρωποι", "άνθρωπος"),
    ("ar", "المدرسة القديمة", "مدرسة"),
    ("hi", "लड़कियों", "लड़की"),
    ("tr", "evler", "evlerde"),
    ("id", "membaca buku", "bacaan"),
]


def test_forms_of_a_word_are_found_in_posts_whose_language_is_known(site):
    assert_forms_are_found(site, FORMS, in_no_language=True)


def assert_forms_are_found(site, forms, *, in_no_language):
    """All in one site, each text with an author of its own."""
    posts: dict[str, list[int]] = {}
    for number, (language, text, query) in enumerate(forms):
        author = site.join(f"author{number}")
        post = [site.write(text, author, language=language)]
        posts |= {f"from:{author} {query}": post, f"from:{author} {query} lang:{language}": post}
        if in_no_language:
            site.write(text, author)
    assert {query: site.find(query) for query in posts} == posts


def test_forms_are_those_of_the_language_of_the_post(site):
    site.write("die hat Zeit", language="de")
    site.write("der hat Zeit", language="ja")
    hats = site.write("a hat", language="en")
    assert site.find("hatting") == [hats]


def test_a_stem_counts_only_in_the_language_in_which_the_word_has_it(site):
    english = site.write("ros", language="en")  # which is the stem of `rosen` in German
    german = site.write("Rose", language="de")
    both = site.write("rosen ros", language="en")
    assert site.find("rosen") == [both, german]
    assert site.find('rosen -"ros"') == [german]
    assert site.find("ros -rosen") == [english]
    assert site.find("-rosen") == [english]
    assert site.find("rosen ros") == [both, german]


def test_a_language_narrows_the_forms_that_are_looked_for(site):
    german = site.write("Die Rose", language="de")
    english = site.write("One rose", language="en")
    assert site.find("roses") == [english, german]
    assert site.find("roses lang:en") == [english]
    assert site.find("rosen") == [german]
    assert site.find("rosen lang:de") == [german]
    assert site.find("rosen lang:en") == []
    assert site.find("rosen lang:ja") == []


def test_quotes_and_stars_ask_for_the_word_as_it_is(site):
    gardens = site.write("Green gardens", language="en")
    garden = site.write("A green garden", language="en")
    assert site.find("garden") == [garden, gardens]
    assert site.find('"garden"') == [garden]
    assert site.find('"gardens"') == [gardens]
    assert site.find('"green garden"') == [garden]
    assert site.find("gard*") == [garden, gardens]
    assert site.find("gardens*") == [gardens]
    assert site.find("garden*") == [garden, gardens]


def test_what_is_excluded_is_excluded_in_all_forms(site):
    site.write("tea with dogs", language="en")
    site.write("tea with a dog", language="en")
    unknown = site.write("tea with dogs")
    cats = site.write("tea with cats", language="en")
    assert site.find("tea -dog") == [cats, unknown]
    assert site.find('tea -"cat" -"dog" -dogs') == [cats]
    assert site.find('tea -"cats" -dogs') == []
    assert site.find("-dog lang:en") == [cats]
    assert site.find("-dog") == [cats, unknown]


def test_several_words_are_found_in_their_forms_with_any_filter(site):
    johns = site.write("Dogs chased a cat", "john", language="en")
    susans = site.write("A dog chases the cats", language="en")
    assert site.find("dogs chasing cats") == [susans, johns]
    assert site.find("dogs chasing cats from:john") == [johns]
    assert site.find("dogs chasing cats -from:john") == [susans]
    assert site.find("dogs chasing cats from:john lang:en") == [johns]
    assert site.find("cats -dogs from:john") == []
    assert site.find("dogs after:2001-01-01 lang:en") == [susans, johns]
    assert site.find("horse from:john") == []


def test_forms_come_after_the_words_and_make_no_phrase(site):
    site.write("I like running", language="en")
    assert site.find('"running i"') == []
    assert site.find('"running enrun"') == []
    assert site.find("enrun") == []
    assert site.find("§enrun") == []


def test_a_section_sign_in_a_post_or_a_query_is_no_form(site):
    post = site.write("§enrun § §§ a§b see §12", language="en")
    site.write("runs", language="en")
    assert site.find("enrun") == [post]
    assert site.find('"§enrun"') == [post]
    assert site.find("§enru*") == [post]
    assert site.find('"enrun a b"') == [post]
    assert site.find("§12 §b") == [post]
    assert site.find("a -§enrun") == []


def test_a_post_of_many_words_has_all_their_forms(site, index):
    words = [f"{a}{b}{c}er" for a in "bcdfghklmp" for b in "aeiou" for c in "bdfgklmnprstvwxzkmnr"]
    post = site.write(" ".join(f"{word}s" for word in words), language="en")
    assert site.find(f"{words[0]} {words[500]} {words[-1]}") == [post]
    assert site.find(f'"{words[-2]}s {words[-1]}s"') == [post]
    assert site.find(f"{words[0]} -{words[-1]}") == []
    site.settle()
    assert not index.verify(site.database)


def test_a_query_of_as_many_words_as_can_be_has_all_their_forms(site):
    names = [f"{a}{b}ner" for a in "bdfg" for b in ("a", "e", "i", "o")]
    post = site.write(" ".join(f"{name}s" for name in names), language="en")
    site.write(f"{' '.join(names)} runs", language="en")
    without = " ".join(f"-{name}ning" for name in names[1:])
    assert site.find(f"{' '.join(names)} {without} -running") == [post]
    assert site.find(f"{' '.join(names)} {without} -running lang:en from:susan") == [post]
    assert site.find(f"{without} -{names[0]}") == []


MIXED_FORMS = [
    ("ru", "две кни\u0301ги", "книгу"),
    ("en", "we r\u0336u\u0336n\u0336s\u0336", "running"),
    ("en", "ＲＵＮＳ", "running"),
    ("es", "unas cancio\u0301nes", "canción"),
    ("ru", "мои Telegramкниги", "книга"),
    ("sr", "knjige и књиге", "књига"),
    ("sr", "knjige и књиге", "knjiga"),
    ("NO", "mange bøker", "bøkene"),
    ("pt-BR", "dois gatos", "gato"),
]


def test_forms_are_found_whatever_marks_and_scripts_are_mixed(site):
    assert_forms_are_found(site, MIXED_FORMS, in_no_language=False)


def test_a_language_that_nobody_knows_has_words_without_forms(site):
    post = site.write("She runs", language="zz")
    assert site.find("running") == []
    assert site.find("running lang:zz") == []
    assert site.find("runs lang:zz") == [post]


def test_the_index_follows_when_the_language_is_corrected(site, index):
    post = site.write("Die Rose")
    assert site.find("rosen") == []
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post).values(language="de"))
    assert site.find("rosen") == [post]
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post).values(language="en"))
    assert (site.find("rosen"), site.find("roses")) == ([], [post])
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post).values(language=None))
    assert (site.find("roses"), site.find("rose")) == ([], [post])
    site.settle()
    assert not index.verify(site.database)


def test_a_language_that_a_shell_corrects_is_followed_by_the_worker(site, index):
    post = site.write("Die Rose")
    site.settle()
    with site.database.engine.begin() as connection:
        connection.execute(sa.update(Post).values(language="de"))
    assert site.catch_up() >= 1
    assert site.find("rosen") == [post]
    assert not index.verify(site.database)


def test_a_rebuild_makes_the_forms(site, index):
    post = site.write("Die Rose", language="de")
    site.settle()
    index.rebuild(site.database, lambda count: None)
    assert site.find("rosen") == [post]
    assert not index.verify(site.database)


def test_the_word_itself_is_a_better_match_than_its_forms(site, search):
    word = site.write("garden", language="en")
    form = site.write("gardens", language="en")
    site.settle()
    with site.database.read() as session:
        assert search.ranked(session, parse("garden"), 10) == [word, form]


def test_that_its_language_is_known_makes_no_post_a_better_match(site, search):
    known = site.write("a cup of tea", language="en")
    unknown = site.write("a cup of tea")
    site.settle()
    with site.database.read() as session:
        assert search.ranked(session, parse("cup tea"), 10) == [unknown, known]


def test_of_several_words_each_that_is_there_as_it_is_counts(site, search):
    both = site.write("dogs and cats", language="en")
    one = site.write("dogs and a cat", language="en")
    forms = site.write("the dog, the cat", language="en")
    site.settle()
    with site.database.read() as session:
        assert search.ranked(session, parse("dogs cats"), 10) == [both, one, forms]


def test_a_post_in_no_known_language_may_be_the_best_match(site, search):
    often = site.write("tea tea tea")
    once = site.write(
        "tea and a great many other words that have nothing to do with it at all", language="en"
    )
    form = site.write(
        "Two pots of good teas, and nothing else but these two, as they stand there on the small table",
        language="en",
    )
    site.settle()
    with site.database.read() as session:
        assert search.ranked(session, parse("tea"), 10) == [often, once, form]
        assert search.ranked(session, parse("tea word"), 10) == [once]


def test_authors_find_forms_in_their_own_posts_at_once(application):
    browser = application.browser()
    enter(browser, "susan")
    write(browser, "Yesterday we were running through the gardens of our neighbours")
    page = browser.get("/search?q=garden+neighbour+ran+-dogs")
    assert bodies(page) == []
    page = browser.get("/search?q=garden+neighbour+runs+-dogs")
    assert [mark.get_text() for mark in page.html.select(".post-body mark")] == [
        "running",
        "gardens",
        "neighbours",
    ]
    assert bodies(browser.get("/search?q=garden+-neighbour")) == []
    assert bodies(browser.get('/search?q="garden"')) == []
