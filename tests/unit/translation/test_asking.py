"""Asking the translator: who waits, who is refused at once, and what is accepted as an answer."""

from __future__ import annotations

import logging
import threading
from typing import Any, cast

import pytest

from microblog.translation.asking import Circuit, Translations, check_answer
from microblog.translation.interfaces import (
    BrokenAnswer,
    QuotaUsedUp,
    TextRefused,
    TranslatorBusy,
    TranslatorSlow,
    TranslatorUnavailable,
)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def circuit(clock):
    return Circuit(failures=2, seconds=30, clock=clock)


DOWN = TranslatorUnavailable("It is down.")


def is_open(circuit):
    try:
        circuit.enter()
    except TranslatorUnavailable:
        return False
    return True


def test_one_failure_is_none_and_a_success_forgets_it(circuit):
    circuit.note_failure(DOWN)
    circuit.note_success()
    circuit.note_failure(DOWN)
    assert is_open(circuit)
    assert circuit.failure is None


def test_after_failures_in_a_row_everybody_gets_the_failure_at_once(circuit, clock):
    circuit.note_failure(DOWN)
    circuit.note_failure(DOWN)
    clock.now += 10
    with pytest.raises(TranslatorUnavailable, match="It is down") as refusal:
        circuit.enter()
    assert refusal.value.retry_after == 20


def test_after_a_pause_one_request_tries_and_the_others_wait_for_it(circuit, clock, caplog):
    circuit.note_failure(DOWN)
    circuit.note_failure(DOWN)
    clock.now += 30
    assert [is_open(circuit) for _ in range(3)] == [True, False, False]
    circuit.note_failure(DOWN)
    clock.now += 29
    assert not is_open(circuit)
    clock.now += 1
    assert is_open(circuit)
    with caplog.at_level(logging.WARNING):
        circuit.note_success()
    assert [is_open(circuit) for _ in range(3)] == [True, True, True]
    assert "works again" in caplog.text


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (QuotaUsedUp("All used."), 600),
        (TranslatorBusy("Slow down."), 10),
        (TranslatorBusy("Slow down.", retry_after=77), 77),
        (QuotaUsedUp("All used.", retry_after=1e9), 3600),
    ],
)
def test_some_failures_begin_a_pause_of_their_own_length(circuit, clock, failure, seconds):
    circuit.note_failure(failure)
    clock.now += seconds - 1
    with pytest.raises(type(failure)):
        circuit.enter()
    clock.now += 1
    circuit.enter()


def test_a_text_that_is_refused_shows_that_the_service_works(circuit):
    circuit.note_failure(DOWN)
    circuit.note_failure(TextRefused("Too long."))
    circuit.note_failure(DOWN)
    assert is_open(circuit)


class Waiting:
    """A translator that answers when it is allowed to."""

    name, title, seconds = "waiting", "Waiting", 10.0

    def __init__(self, answer="done"):
        self.answer = answer
        self.asked = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def translate(self, text, source, target):
        self.asked.append(text)
        self.begun.release()
        self.go.wait()
        return self.answer


def test_who_asks_for_the_same_waits_for_the_same(circuit):
    translator = Waiting()
    translator.seconds = 0.05
    translations = Translations(cast(Any, translator), circuit=circuit, most_waiting=9, most_threads=1)
    for _ in range(3):
        with pytest.raises(TranslatorSlow):  # and not TranslatorBusy: there is room for one text
            translations.ask("hola", "es", "en")
    translator.go.set()
    translator.seconds = 10.0
    assert translations.ask("hola", "es", "en") == "done"
    assert len(translator.asked) <= 2  # the first was answered, or is just over


def test_no_more_texts_than_that_are_with_the_service(circuit):
    translator = Waiting()
    translations = Translations(cast(Any, translator), circuit=circuit, most_waiting=9, most_threads=1)
    thread = threading.Thread(target=lambda: translations.ask("hola", "es", "en"))
    thread.start()
    assert translator.begun.acquire(timeout=10)
    with pytest.raises(TranslatorBusy):
        translations.ask("adios", "es", "en")
    translator.go.set()
    thread.join()
    assert translations.ask("adios", "es", "en") == "done"
    assert translator.asked == ["hola", "adios"]


def test_no_more_requests_wait_at_the_same_time_also_for_the_same(circuit):
    translator = Waiting()
    translations = Translations(cast(Any, translator), circuit=circuit, most_waiting=1)
    thread = threading.Thread(target=lambda: translations.ask("hola", "es", "en"))
    thread.start()
    assert translator.begun.acquire(timeout=10)
    with pytest.raises(TranslatorBusy, match="1 requests wait"):
        translations.ask("hola", "es", "en")
    translator.go.set()
    thread.join()
    assert translations.ask("hola", "es", "en") == "done"
    assert circuit.failure is None


def test_nobody_waits_longer_than_the_translator_says_and_a_late_answer_closes_the_circuit(clock):
    translator = Waiting()
    translator.seconds = 0.05
    circuit = Circuit(failures=1, seconds=30, clock=clock)
    translations = Translations(cast(Any, translator), circuit=circuit, most_waiting=9)
    with pytest.raises(TranslatorSlow):
        translations.ask("hola", "es", "en")
    assert circuit.failure is not None
    translator.go.set()
    translator.seconds = 10.0
    assert translations.ask("hola", "es", "en") == "done"
    assert circuit.failure is None


@pytest.mark.parametrize(
    "answer", [None, 7, "", " \n\u200b", "a\0b", "a\x1bb", "\ud800", "x" * 1_100], ids=repr
)
def test_what_is_no_text_that_can_be_kept_is_refused(answer):
    with pytest.raises(BrokenAnswer):
        check_answer(answer, "hola")


def test_a_text_may_become_longer():
    assert check_answer("x" * 1_000, "hola") == "x" * 1_000
