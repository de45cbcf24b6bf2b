"""A database to look at: people, what they write, and whom they follow.

    python -m benchmarks.demo [FILE.ini]

Makes or upgrades the database of development.ini. With Debian's fortunes installed
(apt-get install fortunes fortunes-min fortunes-es fortunes-de) there is more to read.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click
from sqlalchemy import orm

from benchmarks.fortunes import FOLDER, fortunes
from microblog.accounts import passwords
from microblog.accounts.actions import change_profile, create_account
from microblog.accounts.queries import find_owner_id
from microblog.console.sentences import explain_error
from microblog.console.site import Site
from microblog.ids import new_id_at
from microblog.people.actions import follow
from microblog.posts.actions import import_posts
from microblog.posts.forms import MAX_LENGTH
from microblog.search.feeding import catch_up

SEED = 7
READER = "susan"
DAYS = 400
POSTS_OF_A_FORTUNES_AUTHOR = 40
# nickname: about me, and what they write.
DISPLAY_NAMES = {
    "noor": "نور الحسن",
    "dov": "דב כהן",
    "haruka": "小林 春香 🚲",
    "pierre.l": "Pierre Lefèvre",
    "Lotte": "Lotte Straßer",
}
PEOPLE = {
    "susan": (
        "Gardener, cyclist, occasional baker. Opinions are my tomatoes'.",
        [
            "First tomatoes of the year. They are small, but they are mine. 🍅",
            "Rode to work in the rain. Arrived wet and awake, which is more than coffee ever did.",
            "Does anybody know a sourdough that forgives? @miguel?",
            "The heron is back at the pond: same place, same hour, same disapproval.",
            "Read https://docs.pylonsproject.org/ on the train. Traversal is a walk, not a map.",
            "Three courgettes yesterday, eleven today. Send help, or soup recipes.",
        ],
    ),
    "miguel": (
        "Cocinero. De Sevilla, ahora donde haya un buen mercado.",
        [
            "@susan paciencia, harina, y no mirar el horno cada cinco minutos.",
            "Hoy: gazpacho. Mañana: gazpacho. El calor no admite discusión. 🥵",
            "¿Quién decidió que la tortilla sin cebolla es tortilla? Pregunto sin ánimo de ofender.",
            "El mejor pan de la ciudad se acaba a las nueve. Lo sé porque llego a las nueve y cinco.",
        ],
    ),
    "Lotte": (
        "Straßenbahnfahrerin, Chorsängerin, Fähnchensammlerin.",
        [
            "Linie 4 heute mit drei Hunden, zwei Celli und einer Braut. Alle hatten gültige Fahrscheine.",
            "Fröhliche Übungsstunde: Der Tenor hat Grippe, der Bass hat Heimweh, und ich habe recht.",
            "Schnee! ❄️ Fünf Minuten Verspätung und lauter lächelnde Leute an der Haltestelle.",
            "Zu verschenken: eine Kiste Quitten, sehr groß, sehr gelb, sehr sauer.",
        ],
    ),
    "noor": (
        "أكتب عن الكتب والقهوة. Writes about books and coffee.",
        [
            "قهوة الصباح أولاً، ثم العالم. ☕",
            "أعيد قراءة «ألف ليلة وليلة»، وكل ليلة تنتهي عند أجمل موضع.",
            "Translating a poem all week. Today I understood that the comma was the poem.",
        ],
    ),
    "dov": (
        "ספרן. אוהב מפות ישנות.",
        [
            "היום מצאתי בתוך ספר ישן כרטיס רכבת משנת 1962. איחר בשישים שנה ועדיין בתוקף אצלי.",
            "Old maps are honest: where nothing was known, they drew a whale. 🐋",
        ],
    ),
    "haruka": (
        "写真と自転車。 Photos and bicycles.",
        [
            "今朝の川沿いは霧で、世界が半分しかなかった。",
            "新しいタイヤ。同じ道なのに、違う音がする。🚲",
            "Film photographs again: thirty-six chances, and I used seven on one cat.",
        ],
    ),
    "pierre.l": (
        "Libraire à Lyon. Pluie acceptée.",
        [
            "Un client cherche « le livre bleu ». Nous avons trouvé, c'était le vert.",
            "Déjà l'odeur des châtaignes au coin de la rue. L'automne a signé le registre.",
        ],
    ),
    "Ada_K": (
        "Electronics by day, stars by night 🔭",
        [
            "Saturn's rings through a telescope made of a drainpipe. No photograph will do it justice.",
            "Debugged for six hours. It was the cable. It is always the cable.",
            "👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈 — four people in my pocket calculator's display, if only it had a display.",
            "If you build it at three in the morning, label it at three in the morning.",
        ],
    ),
}


def fill(session: orm.Session, password_hash: str, max_length: int) -> int:
    """How many posts there are now; the reader logs in with the password."""
    chance = random.Random(SEED)
    now = datetime.now(UTC)
    ids, rows = [], []
    written = {nickname: list(texts) for nickname, (_, texts) in PEOPLE.items()}
    for nickname, texts in authors_of_fortunes(max_length).items():
        written[nickname] = texts
    for nickname, texts in written.items():
        joined = now - timedelta(days=DAYS + chance.randrange(100))
        is_reader = nickname == READER
        user_id = create_account(
            session,
            nickname,
            email=f"{nickname.lower()}@example.org",
            password_hash=password_hash if is_reader else None,
            member_since=joined,
            imported=True,
        )
        about = PEOPLE.get(nickname, ("A file of fortunes, one at a time.", []))[0]
        display_name = DISPLAY_NAMES.get(nickname, "")
        change_profile(
            session,
            user_id,
            nickname=nickname,
            display_name=display_name,
            about_me=about,
            imported=True,
        )
        ids.append(user_id)
        rows += [row_of(user_id, text, now, chance) for text in texts]
    count = import_posts(session, rows)
    for follower in ids:
        for followee in chance.sample(ids, k=min(len(ids), 3 + chance.randrange(len(ids)))):
            if follower != followee:
                follow(session, follower, followee, imported=True)
    return count


def row_of(user_id: int, text: str, now: datetime, chance: random.Random) -> dict[str, Any]:
    """Recent times hold more: so it looks on a page."""
    age = timedelta(days=DAYS) * chance.random() ** 3
    return {"id": new_id_at(now - age), "user_id": user_id, "body": text, "language": None}


def authors_of_fortunes(max_length: int) -> dict[str, list[str]]:
    """Some authors of the fortunes, when those are installed, with texts that are short enough."""
    texts: dict[str, list[str]] = {}
    if FOLDER.is_dir():
        for fortune in fortunes():
            if len(fortune["body"]) <= max_length:
                texts.setdefault(fortune["author"], []).append(fortune["body"])
    chosen = [name for name, bodies in texts.items() if len(bodies) >= POSTS_OF_A_FORTUNES_AUTHOR]
    return {name: list(islice(texts[name], POSTS_OF_A_FORTUNES_AUTHOR)) for name in chosen}


def demo(ini: str) -> str:
    """What to do next, as a text.

    :raises click.ClickException: when there is a demo already.
    """
    site = Site(ini)
    site.upgrade()
    password = secrets.token_urlsafe(9)
    password_hash = passwords.hash_password(password)
    with site.database.write() as session:
        if find_owner_id(session, READER) is not None:
            raise click.ClickException(
                f"There is somebody called {READER} already. Set another password with "
                f"`{site.command(f'user password {READER}')}`, or remove the database file to begin anew."
            )
        count = fill(session, password_hash, site.registry.microblog[MAX_LENGTH])
    while catch_up(site.registry, 1000):
        pass  # what one transaction did not index
    site.close()
    return (
        f"There are {count:,} posts to look at. Serve them (`{site.command('serve')}`, or `make serve`), "
        f"and log in as {READER} with the password {password}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("ini", nargs="?", default="development.ini")
    try:
        print(demo(parser.parse_args().ini))
    except click.ClickException as error:
        print(error.message, file=sys.stderr)
        return 1
    except Exception as error:
        sentence = explain_error(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
