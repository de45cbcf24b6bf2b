"""One of the two checkouts that `benchmarks.compare` measures by turns, in a process of its own.

It is run as a file, with the checkout as PYTHONPATH, and so imports nothing of this package, and of microblog
only what every version has: `main`. All the rest is done by requests, as a browser sends them.

Each line of its standard input names what to do and how often; the answer is a line of JSON.
"""

from __future__ import annotations

import gc
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlencode

from pyramid.request import Request
from webtest import TestApp

from microblog import main

HOST = "http://localhost"
FOLLOWED = 50
WORD = "zaba"  # of the made-up posts, neither rare nor the commonest
OWN_POST = re.compile(r'data-post-id="(\d+)"')


class Subject:
    """A site, and somebody who signed up there and follows 50 people."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.application = main({}, **settings)
        browser = TestApp(self.application, extra_environ={"HTTP_HOST": "localhost"})
        form = browser.get("/register").forms["register-form"]
        self.nickname = f"bench{secrets.token_hex(4)}"
        form["nickname"], form["email"] = self.nickname, f"{self.nickname}@example.com"
        form["password"] = secrets.token_urlsafe(16)
        home = form.submit(status=303).follow()
        self.token = home.forms["compose-form"]["csrf_token"].value
        self.cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        for number in range(1, FOLLOWED + 1):
            self.post(f"/users/person{number}/follow")
        self.post_id = OWN_POST.findall(self.get("/users/person1"))[0]

    def ask(self, path: str, *, status: int = 200, visitor: bool = False, **options: Any) -> Any:
        headers = {"Host": "localhost"} if visitor else {"Host": "localhost", "Cookie": self.cookies}
        if options:
            headers |= {"Origin": HOST, "Sec-Fetch-Site": "same-origin"}
        answer = Request.blank(path, headers=headers, **options).get_response(self.application)
        if answer.status_int != status:
            raise RuntimeError(f"{path} was answered with {answer.status}: {answer.text[:2000]}")
        return answer

    def get(self, path: str, **options: Any) -> str:
        text: str = self.ask(path, **options).text
        return text

    def post(self, path: str, *, status: int = 303, **fields: str) -> None:
        fields |= {"csrf_token": self.token, "key": secrets.token_urlsafe(16)}
        self.ask(path, status=status, method="POST", POST=urlencode(fields).encode())

    def own_posts(self, number: int) -> Iterator[str]:
        """Ids of so many posts of one's own, written before anything is timed."""
        for _ in range(number):
            self.post("/posts/", body="Soon deleted")
        ids: list[str] = []
        path = f"/users/{self.nickname}"
        while len(ids) < number:
            ids += OWN_POST.findall(self.get(f"{path}?before={ids[-1]}" if ids else path))
        return iter(ids)

    def actions(self) -> dict[str, Callable[[int], Callable[[], Any]]]:
        """By name: what gives, for a number of times, the function to be timed."""
        numbers = count()

        def page(path: str, **options: Any) -> Callable[[int], Callable[[], Any]]:
            return lambda times: lambda: self.get(path, **options)

        def deleting(times: int) -> Callable[[], Any]:
            ids = self.own_posts(times)
            return lambda: self.post(f"/posts/{next(ids)}/delete")

        def following(times: int) -> Callable[[], Any]:
            people = [(person, act) for person in range(100, 100 + times) for act in ("follow", "unfollow")]
            steps = iter(people)

            def both() -> None:
                for person, act in (next(steps), next(steps)):
                    self.post(f"/users/person{person}/{act}")

            return both

        def writing(times: int) -> Callable[[], Any]:
            return lambda: self.post("/posts/", body=f"Number {next(numbers)}, and some more words")

        def editing(times: int) -> Callable[[], Any]:
            return lambda: self.post("/account/profile", nickname=self.nickname, about_me=f"{next(numbers)}")

        return {
            "home": page("/"),
            "explore": page("/explore"),
            "explore, a visitor": page("/explore", visitor=True),
            "profile": page("/users/person1"),
            "followers": page("/users/person1/followers"),
            "people": page("/users/"),
            "post": page(f"/posts/{self.post_id}"),
            "search": page(f"/search?q={WORD}"),
            "log-in page": page("/login", visitor=True),
            "page not found": page("/nothing", status=404),
            "write a post": writing,
            "refused post (422)": lambda times: lambda: self.post("/posts/", body="", status=422),
            "delete a post": deleting,
            "follow and unfollow": following,
            "edit the profile": editing,
        }


def measure(action: Callable[[], Any], times: int) -> dict[str, float]:
    """Milliseconds each: of this process's processor time, and of the clock."""
    gc.collect()
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(times):
        action()
    processor, clock = time.process_time() - processor, time.perf_counter() - clock
    return {"processor": processor / times * 1000, "clock": clock / times * 1000}


def run() -> None:
    subject = Subject(json.loads(sys.argv[1]))
    actions = subject.actions()
    print(json.dumps(list(actions)), flush=True)
    for line in sys.stdin:
        name, times = json.loads(line)
        print(json.dumps(measure(actions[name](times), times)), flush=True)


if __name__ == "__main__":
    run()
