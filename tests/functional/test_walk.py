"""A whole walk of two people, from signing up to logging out."""

from __future__ import annotations

from tests.walk import PASSWORD, bodies, flashes


def text(page, selector):
    return page.html.select(selector)[0].get_text(" ", strip=True)


def test_susan_and_john_meet(application):
    susan, john = application.browser(), application.browser()

    # Susan comes by, reads that nobody has written anything, and signs up.
    page = susan.get("/")
    assert "Nobody has written anything yet" in page.text
    form = page.click("^Create an account$").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "susan@example.com", PASSWORD
    page = form.submit(status=303).follow()
    assert flashes(page) == ["Welcome! You are signed up, and logged in."]
    assert "It is quiet here" in page.text

    # She writes a post that is too long, shortens it, and sends it again.
    form = page.forms["compose-form"]
    form["body"] = "The first apple blossoms are out. " * 9
    page = form.submit(status=422)
    assert "too long" in page.text
    form = page.forms["compose-form"]
    form["body"] = form["body"].value[:33]
    page = form.submit(status=303).follow()
    assert bodies(page) == ["The first apple blossoms are out."]

    # John signs up too, finds her among the people, and follows her from there.
    form = john.get("/register").forms["register-form"]
    form["nickname"], form["email"], form["password"] = "susan", "john@example.com", PASSWORD
    page = form.submit(status=422)
    assert "susan2 is free." in text(page, "#nickname-hint")
    form = page.forms["register-form"]
    form["nickname"], form["password"] = "john", PASSWORD
    form.submit(status=303)
    form = john.get("/users/").forms["people-search-form"]
    form["q"] = "SUS"
    page = form.submit().click("susan", href="/users/susan$")
    page = page.forms["follow-form"].submit(status=303).follow()
    assert flashes(page) == ["You follow susan now."]
    page = john.get("/")
    assert bodies(page) == ["The first apple blossoms are out."]

    # He answers; she finds it by a word of his, and sees that he follows her.
    form = page.forms["compose-form"]
    form["body"] = "@susan where? https://maps.example/orchard"
    form.submit(status=303)
    form = susan.get("/").forms["header-search-form"]
    form["q"] = "orchard"
    page = form.submit()
    assert bodies(page) == ["@susan where? https://maps.example/orchard"]
    page = page.click("@susan", href="/users/susan$")
    assert text(page, ".counts") == "1 post 1 follower 0 following"
    page = page.click(href="/followers$")
    page = next(form for form in page.forms.values() if form.action.endswith("/follow")).submit(status=303)
    assert flashes(page.follow()) == ["You follow john now."]

    # She changes her nickname and says who she is; his links lead to her all the same.
    form = susan.get("/users/susan").click("^Edit your profile$").forms["profile-form"]
    form["nickname"], form["about_me"] = "susan.k", "Apples, mostly."
    page = form.submit(status=303).follow()
    assert flashes(page) == ["Your profile has been saved."]
    page = john.get("/").click("@susan.k")
    assert text(page, "h1") == "susan.k"
    assert text(page, ".profile-about") == "Apples, mostly."

    # He cannot delete what is hers, but she can; it is gone for both, also from the search.
    page = susan.get("/users/susan.k").click("^Delete$").forms["delete-form"].submit(status=303).follow()
    assert flashes(page) == ["Your post has been deleted."]
    assert page.request.path == "/users/susan.k"
    assert bodies(john.get("/")) == ["@susan.k where? https://maps.example/orchard"]
    assert bodies(john.get("/search?q=blossoms")) == []

    # He stops following her, and logs out; then he is a visitor and reads on.
    page = john.get("/users/susan.k").forms["follow-form"].submit(status=303).follow()
    assert flashes(page) == ["You no longer follow susan.k."]
    page = page.forms["header-logout-form"].submit(status=303).follow()
    assert flashes(page) == ["You are logged out."]
    assert bodies(page) == ["@susan.k where? https://maps.example/orchard"]

    # The next day he comes back, by the address of his e-mail, to where he wanted to go.
    form = john.get("/account/profile").follow().forms["login-form"]
    form["nickname"], form["password"] = "John@Example.com", PASSWORD
    page = form.submit(status=303).follow()
    assert page.forms["profile-form"]["nickname"].value == "john"
