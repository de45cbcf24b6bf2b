"""From a file of a form to pictures, or to a sentence."""

from __future__ import annotations

import io
from typing import Any

import pytest

from microblog.formdata import Upload
from microblog.media.plans import AVATAR, POST
from microblog.media.processes import Decoder
from microblog.media.results import REASONS, Refused
from microblog.media.sending import BUSY, EMPTY, REFUSALS, TOO_MANY_BYTES, explain, make_pictures
from microblog.media.settings import MAX_BYTES
from tests.media_corpus import CASES, HTML, draw, save

SENT = save(draw(), "PNG")


@pytest.fixture
def registry(make_application):
    return make_application({MAX_BYTES.key: "2000000", "microblog.metrics": "true"}).registry


@pytest.fixture
def make_registry(make_application):
    decoders = []

    def make(decoder: Decoder) -> Any:
        registry = make_application().registry
        registry.picture_decoder = decoder
        decoders.append(decoder)
        return registry

    yield make
    for decoder in decoders:
        decoder.close()


def upload(data: bytes) -> Upload:
    """A file whose name says nothing of what it is."""
    return Upload("picture.jpg", "image/jpeg", io.BytesIO(data), len(data))


def refuse(registry: Any, data: bytes) -> str:
    with pytest.raises(Refused) as refused:
        make_pictures(registry, upload(data), POST)
    return explain(registry, refused.value)


def test_pictures_are_made_of_a_file_also_of_one_that_was_read_before(registry):
    sent = upload(SENT)
    sent.file.read()
    made = make_pictures(registry, sent, AVATAR)
    assert [picture.width for picture in made.pictures] == [384, 96]
    assert make_pictures(registry, sent, AVATAR) == made


def test_a_file_that_cannot_be_used_gets_a_sentence(registry):
    assert refuse(registry, b"") == "This file is empty. Use another one."
    assert refuse(registry, HTML) == (
        "This is not a picture that we can read. Use a JPEG, PNG, WebP, GIF or AVIF file."
    )
    assert refuse(registry, SENT[:200]).startswith("This picture is damaged or incomplete.")
    (bomb,) = (case.make() for case in CASES if case.name == "bomb.png")
    assert refuse(registry, bomb).startswith("This picture has too many pixels.")


def test_bytes_beyond_the_setting_are_not_decoded(registry):
    data = SENT + bytes(2_000_001 - len(SENT))
    assert refuse(registry, data) == (
        "This file has more than 2 MB. Make the picture smaller, and use that file."
    )
    assert len(make_pictures(registry, upload(data[:-1]), POST).pictures) == 2


def test_who_waits_in_vain_for_others_pictures_is_asked_to_try_again(make_registry):
    registry = make_registry(Decoder(0, seconds_of_waiting=0.01))
    assert (
        refuse(registry, SENT) == "Many pictures are being sent at this moment. Please try again in a minute."
    )


def test_every_reason_has_a_sentence(registry):
    assert set(REFUSALS) == REASONS | {EMPTY, BUSY}
    for reason in REASONS | {EMPTY, BUSY, TOO_MANY_BYTES}:
        assert explain(registry, Refused(reason)).endswith(".")


def test_what_became_of_pictures_is_counted(registry, make_application):
    application = make_application({"microblog.metrics": "true"})
    make_pictures(application.registry, upload(SENT), POST)
    for _ in range(2):
        refuse(application.registry, b"")
    text = application.browser(REMOTE_ADDR="127.0.0.1").get("/metrics").text
    assert 'microblog_pictures_sent_total{result="made"} 1.0' in text
    assert 'microblog_pictures_sent_total{result="empty"} 2.0' in text
