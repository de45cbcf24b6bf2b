"""Asking the translator: nobody waits for long, nobody asks for the same twice, and all leave a service alone
that does not work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from microblog.measuring import count
from microblog.probes import Probe
from microblog.request import Registry
from microblog.texts import InvalidText, check_characters, is_blank
from microblog.translation.interfaces import (
    BrokenAnswer,
    ITranslator,
    TranslationFailed,
    TranslatorBusy,
    TranslatorSlow,
    TranslatorUnavailable,
)

log = logging.getLogger(__name__)

MOST_THREADS = 8  # that ask the service, some of which nobody may wait for any longer
SECONDS_WHEN_BUSY = 2.0
FAILURES_BEFORE_A_PAUSE = 2  # in a row
SECONDS_OF_A_PAUSE = 30.0
LONGEST_PAUSE = 3600.0  # seconds, whatever the service asks for
LONGEST_FACTOR, LONGEST_MORE = 10, 1000  # characters of an answer: of the text, and in addition

Clock = Callable[[], float]


class Circuit:
    """Is the service worth asking? After failures it is left alone; then one request tries it.

    Everybody else gets the failure at once. Logs when a pause begins, and when the service works again.
    """

    def __init__(
        self,
        *,
        failures: int = FAILURES_BEFORE_A_PAUSE,
        seconds: float = SECONDS_OF_A_PAUSE,
        clock: Clock = time.monotonic,
    ) -> None:
        self._most_failures = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._failure: TranslationFailed | None = None
        self._until = 0.0

    @property
    def failure(self) -> TranslationFailed | None:
        """Why the service is left alone; None when it is asked."""
        return self._failure

    def enter(self) -> None:
        """:raises TranslationFailed: as long as the service is left alone."""
        with self._lock:
            failure = self._failure
            if failure is None:
                return
            now = self._clock()
            remaining = self._until - now
            if remaining <= 0:
                self._until = now + self._seconds  # of all that come now, this one tries
                return
        raise type(failure)(str(failure), retry_after=remaining)

    def note_success(self) -> None:
        with self._lock:
            was_paused = self._failure is not None
            self._failures, self._failure = 0, None
        if was_paused:
            log.warning("The translation service works again.")

    def note_failure(self, failure: TranslationFailed) -> None:
        if not failure.is_outage:
            self.note_success()
            return
        with self._lock:
            self._failures += 1
            is_new = self._failure is None
            if failure.pause_seconds is None and is_new and self._failures < self._most_failures:
                return
            seconds = failure.retry_after or failure.pause_seconds or self._seconds
            self._failure, self._until = failure, self._clock() + min(seconds, LONGEST_PAUSE)
        if is_new:
            log.warning(
                "Posts are not translated for a while (%s): %s Posting and reading go on.",
                type(failure).__name__,
                failure,
            )


Key = tuple[str, str, str]


class Translations:
    """What the pages ask. One of a site, for all threads."""

    def __init__(
        self,
        translator: ITranslator,
        *,
        most_waiting: int,
        circuit: Circuit | None = None,
        most_threads: int = MOST_THREADS,
    ) -> None:
        self._translator = translator
        self.circuit = circuit or Circuit()
        self._most_waiting = most_waiting
        self._most_threads = most_threads
        self._lock = threading.Lock()
        self._waiting = 0
        self._running: dict[Key, Probe[str]] = {}

    def ask(self, text: str, source: str, target: str) -> str:
        """The translation, after at most the translator's `seconds`. The same is not asked for twice at once.

        :raises TranslationFailed: when there is none.
        """
        probe = self._begin((text, source, target))
        try:
            return probe.ask(self._translator.seconds)
        except TimeoutError:
            slow = TranslatorSlow(f"No translation within {self._translator.seconds:g} seconds.")
            self.circuit.note_failure(slow)
            raise slow from None
        finally:
            with self._lock:
                self._waiting -= 1

    def _begin(self, key: Key) -> Probe[str]:
        with self._lock:
            probe = self._running.get(key)
            if self._waiting >= self._most_waiting or (
                probe is None and len(self._running) >= self._most_threads
            ):
                raise TranslatorBusy(f"{self._waiting} requests wait already.", retry_after=SECONDS_WHEN_BUSY)
            if probe is None:
                self.circuit.enter()
                probe = self._running[key] = Probe(partial(self._translate, key))
            self._waiting += 1
            return probe

    def _translate(self, key: Key) -> str:
        """In a thread of its own, which may be the last to know that nobody waits any longer."""
        try:
            translated = check_answer(self._translator.translate(*key), key[0])
            self.circuit.note_success()
            return translated
        except TranslationFailed as failure:
            self.circuit.note_failure(failure)
            raise
        except Exception as error:
            log.exception("The translator %s is at fault.", self._translator.name)
            fault = TranslatorUnavailable(f"The adapter failed: {type(error).__name__}.")
            self.circuit.note_failure(fault)
            raise fault from error
        finally:
            with self._lock:
                self._running.pop(key, None)


def check_answer(answer: object, text: str) -> str:
    """The answer, when it may be kept and shown as a translation of the text.

    :raises BrokenAnswer: when not.
    """
    if not isinstance(answer, str) or is_blank(answer):
        raise BrokenAnswer("The service sent nothing.")
    if len(answer) > len(text) * LONGEST_FACTOR + LONGEST_MORE:
        raise BrokenAnswer(f"The service sent {len(answer):,} characters for {len(text):,}.")
    try:
        check_characters(answer)
    except InvalidText:
        raise BrokenAnswer("The service sent characters that cannot be shown.") from None
    return answer


def translate(registry: Registry, text: str, source: str, target: str) -> str:
    """Have it translated, and count how it ended.

    :raises TranslationFailed: when there is no translation.
    """
    try:
        translated = registry.translations.ask(text, source, target)
    except TranslationFailed as failure:
        count(registry, "translations", result=type(failure).__name__)
        raise
    count(registry, "translations", result="done")
    return translated
