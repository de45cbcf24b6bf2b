"""How long pictures take until they are safe to show, and how much memory that needs.

    python -m benchmarks.decoding_pictures [--rounds N]

The pictures are made by `tests/media_corpus.py`: blurred noise, which compresses badly, so photographs take
less. Each is decoded by a process of its own, as by the server. Of the times, the least says most on a busy
machine.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.__main__ import table
from microblog.media.plans import POST
from microblog.media.processes import Decoder
from tests.media_corpus import LARGE, draw, measure_memory, save

ROUNDS = 5
HEADER = ("picture", "MB", "least s", "median s", "MB of memory", "kB of the two")


def measure(data: bytes, rounds: int) -> tuple[str, ...]:
    times = []
    decoder = Decoder(1)
    try:
        decoder.make(save(draw(), "PNG"), POST)  # starts the process
        for _ in range(rounds):
            began = time.perf_counter()
            made = decoder.make(data, POST)
            times.append(time.perf_counter() - began)
        memory = measure_memory(decoder)
    finally:
        decoder.close()
    made_bytes = sum(len(picture.data) for picture in made.pictures)
    return (
        f"{len(data) / 1e6:.1f}",
        f"{min(times):.2f}",
        f"{statistics.median(times):.2f}",
        f"{memory / 1e6:.0f}",
        f"{made_bytes / 1e3:.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    table("Pictures", HEADER, [(name, *measure(make(), rounds)) for name, make in LARGE.items()])
    began = time.perf_counter()
    decoder = Decoder(1)
    decoder.make(save(draw(), "PNG"), POST)
    print(f"\nA process and its first small picture: {time.perf_counter() - began:.2f} s")
    decoder.close()


if __name__ == "__main__":
    main()
