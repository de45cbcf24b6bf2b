"""A probe that does not answer in time is reported, and runs in one thread only."""

from __future__ import annotations

import threading

import pytest

from microblog.probes import Probe


def test_an_answer_is_given_on():
    assert Probe(lambda: 42).ask(30) == 42


def test_a_failure_is_given_on_and_the_next_time_it_is_asked_again():
    answers = [ZeroDivisionError(), None]

    def question():
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return "well"

    probe = Probe(question)
    with pytest.raises(ZeroDivisionError):
        probe.ask(30)
    assert probe.ask(30) == "well"


def test_who_asks_while_it_hangs_starts_no_second_thread():
    asked, goes_on = [], threading.Event()

    def question():
        asked.append(threading.current_thread())
        goes_on.wait(30)
        return "at last"

    probe = Probe(question)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            probe.ask(0.01)
    goes_on.set()
    asked[0].join(30)
    assert len(asked) == 1
    assert probe.ask(30) == "at last"
