"""What is made of pictures; those that are unusual, damaged or hostile are in `tests/media_corpus.py`."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from microblog.media.decoding import make
from microblog.media.plans import AVATAR, HEADER, PLANS, POST, Plan
from microblog.media.processes import PACKAGE, PROGRAM, Decoder
from microblog.media.results import REASONS, Made, MadePicture, Refused
from tests.media_corpus import (
    CASES,
    FOUR,
    LARGE,
    SECRET,
    Case,
    Picture,
    draw,
    exif_of,
    jpeg_with,
    measure_memory,
    save,
    write,
)

MOST_BYTES = 200_000_000  # of the memory of a process that decodes
TOLERANCE = 12  # of 255, since WebP is not exact
PLAIN = [case.make() for case in CASES if case.name.startswith(("plain.", "alpha.", "grey-16"))]

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_picture = pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.expected, Picture)], ids=lambda case: case.name
)


def read(picture: MadePicture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data), formats=("WEBP",))
    assert image.size == (picture.width, picture.height)
    return image.convert("RGBA")


def list_quarters(image: Image.Image) -> list[tuple[int, ...]]:
    width, height = image.size
    return [
        image.getpixel((x, y))  # type: ignore[misc]
        for y in (height // 4, height * 3 // 4)
        for x in (width // 4, width * 3 // 4)
    ]


def is_like(seen: tuple[int, ...], expected: tuple[int, ...] | None) -> bool:
    if expected is None:
        return seen[3] < TOLERANCE
    return seen[3] > 255 - TOLERANCE and all(
        abs(a - b) < TOLERANCE for a, b in zip(seen, expected, strict=False)
    )


def check(case: Case, made: Made) -> None:
    assert isinstance(case.expected, Picture)
    first = read(made.pictures[0])
    assert first.size == case.expected.size
    seen = list_quarters(first)
    assert all(map(is_like, seen, case.expected.quarters)), seen


@every_case
def test_a_file_is_refused_for_its_reason_or_the_right_picture_is_made_of_it(case):
    if isinstance(case.expected, str):
        with pytest.raises(Refused) as refused:
            make(case.make(), PLANS[POST])
        assert refused.value.reason == case.expected
    else:
        check(case, make(case.make(), PLANS[POST]))


@pytest.mark.parametrize("plan", PLANS)
@every_picture
def test_nothing_but_pixels_is_in_what_is_made(case, plan):
    for picture in make(case.make(), PLANS[plan]).pictures:
        assert SECRET not in picture.data
        kinds = set(list_chunks(picture.data))
        assert kinds <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}, kinds


def list_chunks(webp: bytes) -> list[bytes]:
    """The kinds of all chunks, which have to fill the file."""
    assert len(webp) == 8 + int.from_bytes(webp[4:8], "little")
    position, kinds = 12, []
    while position < len(webp):
        kinds.append(webp[position : position + 4])
        length = int.from_bytes(webp[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
    assert position == len(webp)
    return kinds


def test_the_corpus_has_metadata_that_can_be_lost():
    assert sum(SECRET in case.make() for case in CASES) > 8


def test_people_get_the_corpus_as_files(tmp_path):
    write(tmp_path / "corpus")
    assert {path.name for path in (tmp_path / "corpus").iterdir()} == {case.name for case in CASES}


@pytest.fixture(scope="module")
def decoder():
    decoder = Decoder(1)
    yield decoder
    decoder.close()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux says how much memory a process has had.")
def test_one_process_survives_the_whole_corpus_within_its_memory(decoder):
    decoder.make(PLAIN[0], POST)
    processes = decoder.list_processes()
    for case in CASES:
        if isinstance(case.expected, Picture):
            check(case, decoder.make(case.make(), POST))
        else:
            with pytest.raises(Refused) as refused:
                decoder.make(case.make(), POST)
            assert (case.name, refused.value.reason) == (case.name, case.expected)
    assert decoder.list_processes() == processes
    assert measure_memory(decoder) < MOST_BYTES


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux says how much memory a process has had.")
@pytest.mark.parametrize("large", LARGE.values(), ids=LARGE)
def test_the_largest_pictures_fit_into_the_memory(decoder, large):
    made = decoder.make(large(), POST)
    assert max(made.pictures[0].width, made.pictures[0].height) == 1600
    assert measure_memory(decoder) < MOST_BYTES


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_is_damaged_is_refused_or_still_a_picture(decoder, data):
    whole = bytearray(data.draw(st.sampled_from(PLAIN)))
    for position in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[position] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))
    try:
        result = {picture.width for picture in decoder.make(bytes(whole[:end]), POST).pictures}
    except Refused as refused:
        result = {refused.reason}
    assert result <= REASONS or all(0 < width <= 96 for width in result)


# Sizes and colours


def make_of(size: tuple[int, int], plan: Plan, **options: object) -> list[tuple[int, int]]:
    image = Image.new("RGB", size, FOUR[0])
    return [(p.width, p.height) for p in make(save(image, "JPEG", **options), plan).pictures]


def test_a_picture_of_a_post_keeps_its_shape_and_is_never_made_larger():
    assert make_of((4000, 3000), PLANS[POST]) == [(1600, 1200), (640, 480)]
    assert make_of((600, 1200), PLANS[POST]) == [(600, 1200), (320, 640)]
    assert make_of((20, 10), PLANS[POST]) == [(20, 10), (20, 10)]


def test_a_picture_of_a_person_is_cut_out_of_the_middle():
    assert make_of((4000, 3000), PLANS[AVATAR]) == [(384, 384), (96, 96)]
    assert make_of((4000, 3000), PLANS[HEADER]) == [(1500, 500), (600, 200)]
    assert make_of((1, 1), PLANS[HEADER]) == [(1500, 500), (600, 200)]
    quarters = list_quarters(read(make(save(draw(size=(2000, 400)), "PNG"), PLANS[AVATAR]).pictures[1]))
    assert all(map(is_like, quarters, FOUR)), quarters


def test_a_picture_that_lies_on_its_side_is_cut_as_it_stands_upright():
    image = draw(size=(2000, 3000)).transpose(Image.Transpose.ROTATE_90)
    made = make(save(image, "JPEG", exif=exif_of(6)), PLANS[HEADER])
    assert [(p.width, p.height) for p in made.pictures] == [(1500, 500), (600, 200)]
    quarters = list_quarters(read(made.pictures[0]))
    assert all(map(is_like, quarters, FOUR)), quarters


def test_the_color_is_the_mean_and_what_is_transparent_counts_as_white():
    half = Image.new("RGB", (20, 10), (200, 100, 0))
    half.paste((0, 100, 200), (0, 0, 10, 10))
    assert make(save(half, "PNG"), PLANS[POST]).color == "#646464"
    assert make(save(Image.new("RGBA", (9, 9), (0, 0, 0, 0)), "PNG"), PLANS[POST]).color == "#ffffff"
    faint = make(save(Image.new("RGBA", (9, 9), (0, 0, 0, 51)), "PNG"), PLANS[POST]).color
    assert faint == "#cccccc"


def test_the_same_file_gives_the_same_bytes():
    data = jpeg_with()
    assert make(data, PLANS[POST]) == make(data, PLANS[POST])


def test_a_process_imports_no_reader_of_other_formats_and_nothing_of_the_site():
    script = PROGRAM.replace(
        "sys.exit(", "print(*sys.modules)\nprint(*sys.modules['PIL.Image'].OPEN)\nsys.exit(0 and "
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", script, str(PACKAGE)], capture_output=True, text=True, check=True
    )
    modules, formats = result.stderr.splitlines()  # where everything goes that is printed
    # That of TIFF reads Exif, and is never asked for a picture.
    assert set(formats.split()) == {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF"}
    assert not {"pyramid", "sqlalchemy", "microblog.settings"} & set(modules.split())


def test_the_server_imports_no_decoder():
    script = "import sys, microblog.media.sending; print('PIL' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
