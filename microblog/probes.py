"""Questions with a time limit, each in one thread at most."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """Asks in a thread of its own; callers that ask while it waits get the same answer.

    So however often a database that hangs is asked, only one thread hangs with it.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._pending: Future[T] | None = None

    def ask(self, seconds: float | None) -> T:
        """The answer; waits for ever when `seconds` is None.

        :raises TimeoutError: when there is no answer in time. Errors of the question are raised, too.
        """
        with self._lock:
            pending = self._pending
            if pending is None:
                pending = self._pending = Future()
                threading.Thread(
                    target=self._answer, args=(pending,), name="microblog-probe", daemon=True
                ).start()
        return pending.result(seconds)

    def _answer(self, pending: Future[T]) -> None:
        result: T | None = None
        failure: BaseException | None = None
        try:
            result = self._question()
        except BaseException as error:
            failure = error
        with self._lock:
            # Not kept: a failure references the frames, and the session, that it came from.
            self._pending = None
        if failure is None:
            pending.set_result(result)  # type: ignore[arg-type]
        else:
            pending.set_exception(failure)
