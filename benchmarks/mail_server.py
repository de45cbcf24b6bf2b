"""A mail server that misbehaves, by a seed: it says 4xx and 5xx, stalls, breaks off, and answers nobody.

    python -m benchmarks.mail_server PORT FILE SEED

Each mail that it takes is a line of the file, written before it says so. It says "runs", and runs until it
is killed.
"""

from __future__ import annotations

import asyncio
import email
import json
import random
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

GONE = "gone@example.org"
STALL_SECONDS = 30.0  # longer than any client waits
# How often of a hundred connections or mails
HALF_OPEN, BREAKS_OFF, STALLS, BUSY, DEFERS = 0.5, 1.0, 0.5, 3.0, 5.0


class Handler:
    def __init__(self, chance: random.Random, file: Path) -> None:
        self.chance = chance
        self.file = file

    def happens(self, percent: float) -> bool:
        return self.chance.uniform(0, 100) < percent

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:
        if to == GONE:
            return "550 There is no such person"
        if self.happens(DEFERS):
            return "451 Come again later"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.happens(BUSY):
            return "452 Too busy"
        if self.happens(STALLS):
            await asyncio.sleep(STALL_SECONDS)
            return "451 Too late"
        message = email.message_from_bytes(envelope.content)
        line = json.dumps({"id": message["Message-ID"], "to": envelope.rcpt_tos})
        with self.file.open("a") as file:
            file.write(f"{line}\n")
        return "250 OK"


class Server(SMTP):
    async def _handle_client(self) -> None:
        if self.event_handler.happens(HALF_OPEN):
            await asyncio.sleep(STALL_SECONDS)
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        if self.event_handler.happens(BREAKS_OFF):
            await self.push("354 Go on")
            await self._reader.readline()
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


async def serve(port: int, file: Path, seed: int) -> None:
    handler = Handler(random.Random(seed), file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(handler, loop=loop), "127.0.0.1", port)
    print("runs", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
