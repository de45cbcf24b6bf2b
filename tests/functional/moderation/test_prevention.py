"""Words, links and addresses that hold a post or a sign-up; domains that are refused; rules to agree to."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from microblog.accounts.actions import set_moderator
from microblog.accounts.settings import REFUSED_DOMAINS, REGISTRATION
from microblog.mail.models import Mail
from microblog.moderation.models import Report, ReportCase
from microblog.moderation.prevention import (
    LOOKED_AT,
    find_held_word,
    leads_to,
    list_urls,
    shorten,
)
from microblog.moderation.settings import (
    HELD_ADDRESSES,
    HELD_FIRST_LINKS,
    HELD_LINKS,
    HELD_WORDS,
    MOST_LINES,
    REASONS,
)
from microblog.people.actions import follow
from microblog.settings import SettingsError
from tests.functional.accounts.mail_site import URL
from tests.functional.accounts.mail_site import Site as MailSite
from tests.sink import Sink
from tests.walk import PASSWORD, bodies, enter, flashes, post_ids, write

from .test_reports import cases, decide, open_case

WAITS = "A moderator looks at your post first. Nobody sees it until then."


class Site:
    """Susan writes, john follows her, and maria moderates."""

    def __init__(self, application):
        self.application, self.database = application, application.database
        self.ids, self.browsers = {}, {}
        for name in ("susan", "john", "maria"):
            self.browsers[name] = application.browser()
            self.ids[name] = enter(self.browsers[name], name)
        with self.database.write() as session:
            set_moderator(session, self.ids["maria"], is_moderator=True)
            follow(session, self.ids["john"], self.ids["susan"])
        self.susan, self.john, self.maria = self.browsers.values()

    def subjects(self):
        with self.database.read() as session:
            return session.scalars(sa.select(Mail.subject).order_by(Mail.id)).all()

    def reason(self):
        """Why the newest case is one."""
        return open_case(self.maria).html.select_one(".choices li p").get_text()


@pytest.fixture
def make_site(make_application):
    def make(**settings):
        names = {each.key.rpartition(".")[2]: each.key for each in ALL_SETTINGS}
        return Site(make_application({names[name]: value for name, value in settings.items()}))

    return make


ALL_SETTINGS = (HELD_WORDS, HELD_LINKS, HELD_ADDRESSES, HELD_FIRST_LINKS)


# Posts


def test_a_post_with_a_word_of_the_list_waits_and_nobody_sees_it(make_site):
    site = make_site(held_words="cheap tea\nrolex")
    page = write(site.susan, "CHEAP  Téa, @john!")
    assert flashes(page) == [WAITS]
    for browser in (site.susan, site.john):
        for path in (
            "/",
            "/explore",
            "/users/susan",
            "/search?q=cheap",
            "/notifications/",
            "/users/john/mentions",
        ):
            assert "CHEAP" not in browser.get(path, status="*"), path
    assert cases(site.maria) == ["A post of susan"]
    assert site.reason() == "It has a word that holds posts: cheap tea"
    assert "Held until you decide" in open_case(site.maria)


def test_a_post_that_was_held_is_published_with_everything_that_belongs_to_it(make_site):
    site = make_site(held_words="tea")
    write(site.susan, "Tea, @john?")
    assert "mentioned you" not in site.john.get("/notifications/")
    page = decide(open_case(site.maria), "show", reason="Harmless").follow()
    assert flashes(page) == ["The post is shown, and the case closed."]
    assert bodies(site.john.get("/")) == ["Tea, @john?"]
    assert "mentioned you" in site.john.get("/notifications/")
    assert "1 post" in site.susan.get("/users/susan").html.select_one(".counts").get_text()
    assert "john@example.com" in mails_to(site)


def mails_to(site):
    with site.database.read() as session:
        return session.scalars(sa.select(Mail.address)).all()


def test_a_post_that_was_held_is_deleted(make_site):
    site = make_site(held_words="tea")
    write(site.susan, "Tea, @john?")
    decide(open_case(site.maria), "delete", reason="Spam", said="No tea.")
    assert cases(site.maria) == []
    assert "susan@example.com" in mails_to(site)
    assert bodies(site.john.get("/explore")) == []


def test_words_are_whole_words(make_site):
    site = make_site(held_words="tea")
    assert flashes(write(site.susan, "A steady teapot")) == ["Your post is now live!"]


def test_posts_of_moderators_are_not_held(make_site):
    site = make_site(held_words="tea")
    assert flashes(write(site.maria, "Tea")) == ["Your post is now live!"]


def test_a_reply_waits_and_is_not_counted(make_site):
    site = make_site(held_words="tea")
    post_id = post_ids(write(site.john, "What do you drink?"))[0]
    form = site.susan.get(f"/posts/{post_id}").forms[f"reply-form-{post_id}"]
    form["body"] = "Tea!"
    page = form.submit(status=303).follow()
    assert flashes(page) == [WAITS]
    assert "Tea!" not in page.html.main.get_text()
    assert "1 reply" not in site.maria.get(f"/posts/{post_id}")
    decide(open_case(site.maria), "show", reason="Fine")
    assert bodies(site.john.get(f"/posts/{post_id}")) == ["What do you drink?", "Tea!"]
    assert "answered you" in site.john.get("/notifications/")


def test_an_edit_waits_with_its_post(make_site):
    site = make_site(held_words="tea")
    post_id = post_ids(write(site.susan, "Coffee"))[0]
    form = site.susan.get(f"/posts/{post_id}/edit").forms["edit-form"]
    form["body"] = "Tea, @john"
    page = form.submit(status=303).follow()
    assert flashes(page) == [WAITS]
    site.john.get(f"/posts/{post_id}", status=410)
    assert "mentioned you" not in site.john.get("/notifications/")
    decide(open_case(site.maria), "show", reason="Fine")
    assert bodies(site.john.get(f"/posts/{post_id}")) == ["Tea, @john"]
    assert "mentioned you" in site.john.get("/notifications/")


def test_a_post_is_published_on_the_page_of_its_author_too(make_site):
    site = make_site(held_words="tea")
    write(site.susan, "Tea, @john")
    page = site.maria.get("/admin/people/susan/posts")
    assert "Held" in page.html.main.get_text()
    form = page.forms["posts-form"]
    form["reason"] = "Fine"
    form["post"] = True
    form.submit("do", value="show", status=303)
    assert bodies(site.john.get("/")) == ["Tea, @john"]
    assert "mentioned you" in site.john.get("/notifications/")


@pytest.mark.parametrize(
    ("body", "is_held"),
    [
        ("Look: https://shop.example/tea", True),
        ("Look: http://WWW.shop.example", True),
        ("Look: https://eu.shop.example/", True),
        ("Look: https://shop.example.org/", False),
        ("Look: https://workshop.example/", False),
        ("Look: https://blog.example/buy/tea", True),
        ("Look: https://blog.example/read", False),
        ("shop.example is bad", False),
    ],
)
def test_a_post_with_a_link_of_the_list_waits(make_site, body, is_held):
    site = make_site(held_links="shop.example; https://blog.example/buy")
    assert flashes(write(site.susan, body)) == [WAITS if is_held else "Your post is now live!"]
    if is_held:
        assert site.reason().startswith("It has a link that holds posts: ")


def test_the_first_posts_of_somebody_new_wait_when_they_have_a_link(make_site):
    site = make_site(held_first_links="1")
    assert flashes(write(site.susan, "https://example.org")) == [WAITS]
    assert site.reason() == "One of the first posts of somebody new, with a link."
    write(site.susan, "Hello")
    assert flashes(write(site.susan, "https://example.com")) == ["Your post is now live!"]


def test_a_post_from_an_address_of_the_list_waits(make_site):
    site = make_site(held_addresses="192.0.2.0/24")
    browser = site.application.browser(REMOTE_ADDR="192.0.2.7")
    browser.set_cookie("session", site.susan.cookies["session"].strip('"'))
    assert flashes(write(browser, "Hello")) == [WAITS]
    assert site.reason() == "It comes from an address that holds posts."
    assert flashes(write(site.susan, "Hello")) == ["Your post is now live!"]


def test_a_pattern_holds_a_post(make_site):
    site = make_site(held_words=r"re: \bt+e+a+\b")
    assert flashes(write(site.susan, "TTTEEEAAA")) == [WAITS]
    assert flashes(write(site.susan, "steam")) == ["Your post is now live!"]


def test_a_pattern_that_takes_too_long_holds_what_it_was_to_look_through():
    assert find_held_word((r"re: (a|aa)+\1$",), "a" * 200 + "b", seconds=0.05) == "slow"
    assert find_held_word(("tea",), "x" * (LOOKED_AT + 1)) == "long"
    assert find_held_word((), "x" * (LOOKED_AT + 1)) is None


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("slow", "The patterns took too long for it."),
        ("long", "It is too long to be looked through."),
    ],
)
def test_a_moderator_reads_why_a_text_could_not_be_looked_through(make_site, reason, sentence):
    site = make_site()
    with site.database.write() as session:
        case = ReportCase(id=7, subject="post:7", person_id=site.ids["susan"], text="Hello")
        session.add(case)
        session.flush()
        session.add(Report(id=8, case_id=7, reason="", note=reason, wants_answer=False))
    assert site.reason() == sentence


@given(st.text(), st.text(min_size=1))
def test_no_text_breaks_the_list(text, word):
    found = find_held_word((word.strip() or "x",), text)
    assert found is None or found.startswith(("word:", "long"))


@given(st.text(alphabet="abc./:?#@-x htps"), st.text(alphabet="abc./:?#"))
def test_no_address_breaks_the_list(text, listed):
    for url in list_urls(text):
        assert leads_to(shorten(url), shorten(url))
        assert leads_to(shorten(url), shorten(listed)) in (True, False)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (HELD_WORDS, "re: (", "must have valid regular expressions"),
        (HELD_WORDS, "\n".join(map(str, range(MOST_LINES + 1))), "must have at most 1,000 lines"),
        (HELD_LINKS, "\n".join(map(str, range(MOST_LINES + 1))), "must have at most 1,000 lines"),
        (REASONS, "x" * 101, "must have reasons of at most 100 characters"),
        (HELD_ADDRESSES, "nowhere", "must be addresses or networks"),
    ],
)
def test_a_list_that_cannot_be_used_is_a_fault(make_application, setting, value, sentence):
    with pytest.raises(SettingsError, match=re.escape(sentence)):
        make_application({setting.key: value})


# Sign-ups


def sign_up(site, nickname="rolex", email="new@example.com", status=303, **fields):
    form = site.browser().get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = nickname, email, PASSWORD
    for name, value in fields.items():
        form[name] = value
    return form.submit(status=status)


def test_a_sign_up_with_a_word_of_the_list_waits_for_an_admin(make_application, enter_as):
    site = make_application({HELD_WORDS.key: "rolex"})
    page = sign_up(site, "Rolex").follow()
    assert flashes(page) == [
        "Your sign-up waits for an admin, who looks at it. You get a mail then, and can log in."
    ]
    site.browser().get("/users/Rolex", status=404)
    assert sign_up(site, "susan", "susan@example.org").follow().request.path == "/"
    admin = enter_as("grace", "admin")
    assert "Rolex" in admin.get("/admin/registrations/")
    forms = admin.get("/admin/registrations/").forms.values()
    next(form for form in forms if form.action.endswith("/approve")).submit(status=303)
    site.browser().get("/users/Rolex", status=200)


def test_where_mail_reaches_people_the_sign_up_waits_after_its_confirmation(make_application):
    with Sink(enable_SMTPUTF8=True) as sink:
        settings = {**sink.settings, "microblog.url": URL, HELD_WORDS.key: "rolex"}
        site = MailSite(make_application(settings), sink)
        for nickname, there, sentence in (("Rolex", 404, "waits for an admin"), ("susan", 200, "Welcome")):
            sign_up(site, nickname, f"{nickname}@example.com")
            (mail,) = site.work()
            page = site.browser().get(site.read_link(mail, "/confirm/"))
            page = page.forms["confirm-form"].submit(status=303).follow()
            assert sentence in flashes(page)[0]
            site.browser().get(f"/users/{nickname}", status=there)


@pytest.mark.parametrize("email", ["a@spam.example", "a@mail.SPAM.example", "a@bücher.example"])
def test_addresses_of_refused_domains_are_not_accepted(make_application, email):
    site = make_application({REFUSED_DOMAINS.key: "spam.example, xn--bcher-kva.example"})
    page = sign_up(site, "susan", email, status=422)
    assert "Addresses of this domain are not accepted here. Use another one." in page
    sign_up(site, "susan", "a@notspam.example")


def test_nobody_changes_to_an_address_of_a_refused_domain(make_application):
    site = make_application({REFUSED_DOMAINS.key: "spam.example"})
    browser = site.browser()
    enter(browser, "susan")
    form = browser.get("/account/email").forms["email-form"]
    form["email"], form["password"] = "a@spam.example", PASSWORD
    assert "Addresses of this domain are not accepted here." in form.submit(status=422)


def test_who_signs_up_agrees_to_the_rules_when_there_are_some(make_application, tmp_path):
    site = make_application({"microblog.pages": str(tmp_path)})
    assert "agrees" not in site.browser().get("/register").forms["register-form"].fields
    site.browser().get("/rules", status=404)
    (tmp_path / "rules.md").write_text("# Our rules\n\nBe kind.\n", encoding="utf-8")
    site = make_application({"microblog.pages": str(tmp_path)})
    page = site.browser().get("/register").click("Read the rules")
    assert "Be kind." in page
    assert "Rules" in [link.get_text() for link in page.html.select("footer a")]
    page = sign_up(site, "susan", status=422)
    assert "Read the rules, and agree to them if you want to sign up." in page
    sign_up(site, "susan", agrees=True)


def test_a_closed_site_waits_for_nobody(make_application):
    site = make_application({REGISTRATION.key: "closed", HELD_WORDS.key: "rolex"})
    site.browser().get("/register", status=403)
