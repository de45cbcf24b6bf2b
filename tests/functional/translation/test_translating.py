"""Having a post translated: the link, the page, the button, and what is kept."""

from __future__ import annotations

import sqlalchemy as sa

from microblog.db import StaleData
from microblog.posts.actions import delete
from microblog.posts.models import Post
from microblog.posts.queries import add_post
from microblog.translation.models import Translation
from tests.conftest import counted_statements
from tests.functional.translation.conftest import POST, find_person
from tests.walk import bodies, enter, token

TRANSLATED = "¡QUÉ DÍA! CON @susan EN https://example.org/ #flores"


def log_in(site, nickname="susan"):
    browser = site.browser()
    enter(browser, nickname)
    return browser


def have_translated(browser, post_id):
    """Press the button; the page that follows."""
    return browser.get(f"/posts/{post_id}/translate").forms["translate-form"].submit(status=303).follow()


def links(page):
    return [link["href"] for link in page.html.select("a[data-translate]")]


def note(page):
    return page.html.select_one(".translation-note").get_text(" ", strip=True)


def count_kept(site):
    with site.database.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Translation))


def test_a_post_is_translated_by_the_button_and_shown_like_any_post(site, service, post_id):
    susan = log_in(site)
    page = susan.get("/explore").click("^Translate$")
    assert bodies(page) == [POST]
    assert links(page) == []
    assert "The text is sent to DeepL." in page.text
    button = page.html.select_one("#translate-form button")
    assert button.get_text() == "Translate into English"
    page = page.forms["translate-form"].submit(status=303).follow()
    assert page.request.path == f"/posts/{post_id}/translate"
    assert bodies(page) == [TRANSLATED]
    body = page.html.select_one(".post-body")
    assert body["lang"] == "en"
    # Susan came later than the post, so it mentions nobody.
    assert [link["href"] for link in body.select("a")] == [
        "https://example.org/",
        "/tags/flores",
    ]
    assert note(page) == "Translated from Spanish by DeepL. Show original"
    assert bodies(page.click("Show original")) == [POST]
    (asked,) = service.asked
    assert (asked.body["source_lang"], asked.body["target_lang"]) == ("ES", "EN-US")


def test_a_translation_is_kept_and_shown_to_everybody(site, service, post_id):
    have_translated(log_in(site), post_id)
    page = site.browser().get(f"/posts/{post_id}/translate")
    assert bodies(page) == [TRANSLATED]
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert bodies(log_in(site, "john").get(f"/posts/{post_id}/translate")) == [TRANSLATED]
    assert len(service.asked) == 1


def test_sending_the_button_again_does_not_ask_again(site, service, post_id):
    susan = log_in(site)
    page = susan.get(f"/posts/{post_id}/translate")
    for _ in range(2):
        page.forms["translate-form"].submit(status=303)
    fields = {"csrf_token": token(susan), "key": "another"}
    susan.post(f"/posts/{post_id}/translate", fields, status=303)
    assert len(service.asked) == 1
    assert count_kept(site) == 1


def test_a_visitor_sees_no_button_and_cannot_have_anything_translated(site, service, post_id):
    visitor = site.browser()
    page = visitor.get(f"/posts/{post_id}/translate")
    assert "translate-form" not in page.forms
    assert "Nobody has had this post translated into English yet." in page.text
    page = page.click("Log in to have it translated")
    assert page.forms["login-form"]["next"].value == f"/posts/{post_id}/translate"
    fields = {"csrf_token": token(visitor, "/login")}
    assert "login-form" in visitor.post(f"/posts/{post_id}/translate", fields, status=403).forms
    assert service.asked == []


def test_each_language_of_a_reader_has_its_own(site, service, post_id):
    susan = log_in(site)
    have_translated(susan, post_id)
    german = {"Accept-Language": "de"}
    page = susan.get(f"/posts/{post_id}/translate", headers=german)
    page = page.forms["translate-form"].submit(status=303, headers=german).follow(headers=german)
    assert page.html.select_one(".post-body")["lang"] == "de"
    assert "Spanisch" in page.text
    assert [asked.body["target_lang"] for asked in service.asked] == ["EN-US", "DE"]
    assert count_kept(site) == 2


def test_the_link_is_below_posts_in_other_languages_alone(site, post_id):
    with site.database.write() as session:
        maria = find_person(session, "maria")
        add_post(session, maria, "In English", language="en")
        add_post(session, maria, "In British English", language="en-GB")
        add_post(session, maria, "Unknown")
        add_post(session, maria, "ah oh eh", language="und")
        other = add_post(session, maria, "Auf Deutsch", language="de-AT")
    visitor = site.browser()
    both = [f"/posts/{other}/translate", f"/posts/{post_id}/translate"]
    assert links(visitor.get("/explore")) == both
    assert links(visitor.get("/users/maria")) == both
    assert links(visitor.get(f"/posts/{post_id}")) == both[1:]
    assert links(visitor.get("/explore", headers={"Accept-Language": "es"}))[0] == both[0]


def test_a_post_of_the_readers_language_or_of_none_has_no_translation(site, post_id):
    with site.database.write() as session:
        maria = find_person(session, "maria")
        ids = [
            add_post(session, maria, "English", language="en-GB"),
            add_post(session, maria, "Unknown"),
            add_post(session, maria, "ah oh eh", language="und"),
        ]
    for each in ids:
        site.browser().get(f"/posts/{each}/translate", status=404)
    site.browser().get("/posts/123/translate", status=404)


def test_without_a_translator_nothing_is_offered(make_application):
    application = make_application()
    susan = log_in(application)
    with application.database.write() as session:
        post = add_post(session, find_person(session, "susan"), POST, language="es")
    assert links(susan.get("/")) == []
    susan.get(f"/posts/{post}/translate", status=404)
    susan.post(f"/posts/{post}/translate", {"csrf_token": token(susan)}, status=404)


def test_a_translation_goes_with_its_post(site, post_id):
    have_translated(log_in(site), post_id)
    assert count_kept(site) == 1
    with site.database.write() as session:
        delete(session, post_id, find_person(session, "maria"))
    assert count_kept(site) == 0


def test_a_translation_of_an_older_text_is_not_shown_and_is_replaced(site, service, post_id):
    susan = log_in(site)
    have_translated(susan, post_id)
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post_id).values(body="otra cosa"))
    assert bodies(susan.get(f"/posts/{post_id}/translate")) == ["otra cosa"]
    assert bodies(have_translated(susan, post_id)) == ["OTRA COSA"]
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post_id).values(language="pt"))
    assert bodies(susan.get(f"/posts/{post_id}/translate")) == ["otra cosa"]
    assert bodies(have_translated(susan, post_id)) == ["OTRA COSA"]
    assert [asked.body["source_lang"] for asked in service.asked] == ["ES", "ES", "PT"]
    assert count_kept(site) == 1


def test_an_answer_is_a_text_whatever_is_in_it(site, service, post_id):
    service.reply = service.give(["&lt;script>alert(1)&lt;/script><img src=x> <b>bold</b>"])
    page = have_translated(log_in(site), post_id)
    body = page.html.select_one(".post-body")
    assert body.get_text() == (
        "<script>alert(1)</script><img src=x> <b>bold</b> @susan https://example.org/ #flores"
    )
    assert {element.name for element in body.find_all(True)} == {"a"}


def test_a_list_costs_no_statement_more(site, make_application, post_id):
    with counted_statements(site.database) as statements:
        site.browser().get("/explore")
    plain = make_application()
    with counted_statements(plain.database) as without:
        plain.browser().get("/explore")
    assert len(statements) == len(without)


def test_a_language_without_a_name_is_shown_by_its_code(site, service, post_id):
    with site.database.write() as session:
        session.execute(sa.update(Post).where(Post.id == post_id).values(language="qqq"))
    assert "This post is written in qqq." in site.browser().get(f"/posts/{post_id}/translate").text


def test_a_request_that_is_tried_again_asks_and_counts_once(service, make_application, post_id):
    tries = []

    def fail_once(request, session):
        tries.append(request.path)
        if tries.count(f"/posts/{post_id}/translate") == 1:
            raise StaleData("Somebody else was faster.")

    site = make_application(
        {**service.settings, "microblog.limits.translations.per_account": "1 per hour"},
        extend=lambda config: config.add_check_before_writing("once", fail_once),
    )
    assert bodies(have_translated(log_in(site), post_id)) == [TRANSLATED]
    assert tries.count(f"/posts/{post_id}/translate") == 2
    assert len(service.asked) == 1


def test_the_page_about_privacy_says_to_whom_texts_are_sent(site, make_application):
    sentence = "Whoever has a post translated sends its text to DeepL"
    assert sentence in site.browser().get("/privacy").text
    assert "translated" not in make_application().browser().get("/privacy").text
