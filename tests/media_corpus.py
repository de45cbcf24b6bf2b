"""Pictures that are unusual, damaged or hostile, made by this file alone, and what has to become of each.

`python -m tests.media_corpus FOLDER` writes them into a folder, for people who want to look at them.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Each plugin that is needed to save, as `Image.init` would import all of them.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401
    PngImagePlugin,
    TiffImagePlugin,  # noqa: F401
    WebPImagePlugin,  # noqa: F401
)

from microblog.media.processes import Decoder
from microblog.media.results import BROKEN, TOO_LARGE, UNKNOWN

RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 160, 30), (30, 30, 200), (220, 210, 40)
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (120, 120, 120)
FOUR = (RED, GREEN, BLUE, YELLOW)
WIDTH, HEIGHT = 96, 64
# What has to be gone, wherever it was written.
SECRET = b"SECRET-IN-METADATA"


@dataclass(frozen=True)
class Picture:
    """The size of the largest picture that has to be made, and the colours in the middle of its quarters, row
    by row; None where it is transparent."""

    size: tuple[int, int] = (WIDTH, HEIGHT)
    quarters: tuple[tuple[int, int, int] | None, ...] = FOUR


@dataclass(frozen=True)
class Case:
    """A file, and the reason why it is refused, or the picture that is made of it."""

    name: str
    make: Callable[[], bytes]
    expected: str | Picture


def draw(
    mode: str = "RGB",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    quarters: tuple[tuple[int, ...], ...] = FOUR,
) -> Image.Image:
    image = Image.new("RGB" if mode != "RGBA" else mode, size)
    width, height = size[0] // 2, size[1] // 2
    for index, color in enumerate(quarters):
        left, upper = index % 2 * width, index // 2 * height
        image.paste(color, (left, upper, left + width, upper + height))
    return image if image.mode == mode else image.convert(mode)


def draw_indexed() -> Image.Image:
    return draw().quantize(8)


def save(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


# Pieces of files


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, depth: int, color: int, rows: bytes, *more: bytes, after: tuple[bytes, ...] = ()
) -> bytes:
    """`rows` with the filter byte of each; `more` are chunks before them."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(rows, 9))
    return b"".join((b"\x89PNG\r\n\x1a\n", head, *more, data, *after, png_chunk(b"IEND", b"")))


def png_of_zeros(width: int, height: int, color: int, bytes_of_a_pixel: int) -> bytes:
    packer = zlib.compressobj(1)
    row = bytes(1 + width * bytes_of_a_pixel)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0))
    return b"".join((b"\x89PNG\r\n\x1a\n", head, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")))


def grey_16_bits() -> bytes:
    values = [50 * 257, 120 * 257, 180 * 257, 250 * 257]
    rows = b""
    for y in range(HEIGHT):
        left, right = values[y // (HEIGHT // 2) * 2], values[y // (HEIGHT // 2) * 2 + 1]
        rows += b"\0" + struct.pack(">H", left) * (WIDTH // 2) + struct.pack(">H", right) * (WIDTH // 2)
    return png(WIDTH, HEIGHT, 16, 0, rows)


def color_16_bits() -> bytes:
    rows = b""
    for y in range(HEIGHT):
        left, right = FOUR[y // (HEIGHT // 2) * 2], FOUR[y // (HEIGHT // 2) * 2 + 1]
        for color in (left, right):
            rows += (b"\0" if color is left else b"") + struct.pack(">3H", *(v * 257 for v in color)) * (
                WIDTH // 2
            )
    return png(WIDTH, HEIGHT, 16, 2, rows)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg_with(*segments: bytes, image: Image.Image | None = None, **options: Any) -> bytes:
    """With segments after the first marker."""
    data = save(image or draw(), "JPEG", quality=95, subsampling=0, **options)
    return data[:2] + b"".join(segments) + data[2:]


def set_jpeg_size(data: bytes, width: int, height: int) -> bytes:
    """By its header alone."""
    position = data.index(b"\xff\xc0") + 5
    return data[:position] + struct.pack(">HH", height, width) + data[position + 4 :]


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def turned(orientation: int) -> bytes:
    """A picture that is upright when it was turned as its Exif says."""
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = draw() if back is None else draw().transpose(back)
    return save(image, "JPEG", quality=95, subsampling=0, exif=exif_of(orientation))


def icc_profile(red: tuple[float, ...], green: tuple[float, ...], blue: tuple[float, ...]) -> bytes:
    """A profile for RGB of three primaries (XYZ under D50) and a gamma of 2.2."""

    def number(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(number, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"Ours\0" + bytes(79)
    tags = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0nobody\0\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(*red),
        b"gXYZ": xyz(*green),
        b"bXYZ": xyz(*blue),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    position = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", position + len(data), len(value))
        data += padded
    head = struct.pack(">I", position + len(data)) + b"\0\0\0\0" + struct.pack(">I", 0x02400000)
    head += b"mntrRGB XYZ " + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += number(0.9642) + number(1.0) + number(0.8249)
    return head + bytes(128 - len(head)) + table + data


SRGB_RED, SRGB_GREEN, SRGB_BLUE = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
# What it calls red is blue, and the other way round: pictures look wrong when it is not used.
SWAPPED = icc_profile(SRGB_BLUE, SRGB_GREEN, SRGB_RED)
# Display P3: its green is greener than what sRGB can show.
WIDE = icc_profile((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))


def gif_of_many_frames() -> bytes:
    frames = [draw_indexed()] + [Image.new("P", (WIDTH, HEIGHT), index % 200) for index in range(1, 1000)]
    return save(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20, loop=0)


def gif_with_frame_beyond_its_screen() -> bytes:
    data = bytearray(save(draw_indexed(), "GIF"))
    data[6:10] = struct.pack("<HH", 10, 10)
    return bytes(data)


def set_gif_screen(width: int, height: int) -> bytes:
    data = bytearray(save(draw_indexed(), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def webp_with_canvas(width: int, height: int) -> bytes:
    """An extended file whose header says so."""
    data = bytearray(save(draw("RGBA", quarters=TRANSPARENT), "WEBP", exif=exif_of(1)))
    assert data[12:16] == b"VP8X"
    data[24:27] = (width - 1).to_bytes(3, "little")
    data[27:30] = (height - 1).to_bytes(3, "little")
    return bytes(data)


def avif_of_size(width: int, height: int) -> bytes:
    """Its container says so; its picture is small."""
    data = save(draw(), "AVIF")
    position = data.index(b"ispe") + 8
    return data[:position] + struct.pack(">II", width, height) + data[position + 8 :]


def animated(format: str) -> bytes:
    others = [Image.new("RGB", (WIDTH, HEIGHT), GREY) for _ in range(3)]
    return save(draw(), format, save_all=True, append_images=others, duration=100)


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.txt", SECRET)
    return file.getvalue()


def png_with_metadata() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return save(draw(), "PNG", pnginfo=text, exif=exif_with_secrets(), icc_profile=WIDE)


def exif_with_secrets() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()  # make
    exif[0x0112] = 1
    gps = exif.get_ifd(0x8825)
    gps[0x001D] = SECRET.decode()
    return exif.tobytes()


def jpeg_with_metadata() -> bytes:
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x>" + SECRET + b"</x>"
    thumbnail = save(draw(size=(16, 16)), "JPEG", comment=SECRET)
    return jpeg_with(
        jpeg_segment(0xE1, xmp),
        jpeg_segment(0xED, b"Photoshop 3.0\0" + SECRET),
        jpeg_segment(0xE2, b"MPF\0" + SECRET),
        jpeg_segment(0xEC, thumbnail),
        exif=exif_with_secrets(),
        comment=SECRET,
        icc_profile=WIDE,
    )


# The cases

# The four colours as numbers of Display P3, in sRGB.
WIDENED = ((221, 0, 0), (0, 163, 0), (23, 25, 211), (224, 211, 0))
CLEAR = (0, 0, 0, 0)
TRANSPARENT = ((*RED, 255), CLEAR, CLEAR, (*YELLOW, 255))
SEEN = (RED, None, None, YELLOW)
GREYS = ((50, 50, 50), (120, 120, 120), (180, 180, 180), (250, 250, 250))
BOTH = (BLACK, WHITE, WHITE, BLACK)

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><script>alert(document.cookie)</script>"
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def list_cases() -> Iterator[Case]:
    yield from list_of_jpeg()
    yield from list_of_png()
    yield from list_of_others()
    yield from list_bombs()
    yield from list_of_what_is_damaged()
    yield from list_of_what_is_none()


def list_of_jpeg() -> Iterator[Case]:
    yield Case("plain.jpg", jpeg_with, Picture())
    yield Case("progressive.jpg", lambda: jpeg_with(progressive=True), Picture())
    yield Case("grey.jpg", lambda: jpeg_with(image=draw("L", quarters=GREYS)), Picture(quarters=GREYS))
    yield Case("cmyk.jpg", lambda: save(draw("CMYK"), "JPEG", quality=95), Picture())
    for orientation in range(1, 9):
        yield Case(f"turned-{orientation}.jpg", lambda turn=orientation: turned(turn), Picture())  # type: ignore[misc]
    yield Case("turned-42.jpg", lambda: jpeg_with(exif=exif_of(42)), Picture())
    yield Case(
        "profile-swapped.jpg",
        lambda: jpeg_with(icc_profile=SWAPPED),
        Picture(quarters=(BLUE, GREEN, RED, (40, 210, 220))),
    )
    yield Case(
        "profile-swapped-in-grey.jpg",
        lambda: jpeg_with(image=draw("L", quarters=GREYS), icc_profile=SWAPPED),
        Picture(quarters=GREYS),
    )
    yield Case(
        "profile-wide.jpg",
        lambda: jpeg_with(icc_profile=WIDE),
        Picture(quarters=WIDENED),
    )
    yield Case("profile-damaged.jpg", lambda: jpeg_with(icc_profile=WIDE[:150]), Picture())
    yield Case(
        "profile-huge.jpg", lambda: jpeg_with(icc_profile=WIDE + bytes(4_000_000)), Picture(quarters=WIDENED)
    )
    yield Case("metadata.jpg", jpeg_with_metadata, Picture(quarters=WIDENED))
    yield Case(
        "exif-damaged.jpg", lambda: jpeg_with(jpeg_segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff")), Picture()
    )
    yield Case(
        "exif-huge.jpg",
        lambda: jpeg_with(
            *[jpeg_segment(0xE1, b"Exif\0\0" + bytes([index]) * 65_000) for index in range(100)]
        ),
        Picture(),
    )
    yield Case("comments.jpg", lambda: jpeg_with(*[jpeg_segment(0xFE, SECRET * 3_000)] * 50), Picture())
    yield Case("two-pictures.mpo.jpg", lambda: animated("MPO"), Picture())
    yield Case("with-zip.jpg", lambda: jpeg_with() + zip_file(), Picture())
    yield Case("with-html.jpg", lambda: jpeg_with(jpeg_segment(0xFE, HTML)) + HTML, Picture())


def list_of_png() -> Iterator[Case]:
    yield Case("plain.png", lambda: save(draw(), "PNG"), Picture())
    yield Case("bits.png", lambda: save(draw("1", quarters=BOTH), "PNG"), Picture(quarters=BOTH))
    yield Case("grey.png", lambda: save(draw("L", quarters=GREYS), "PNG"), Picture(quarters=GREYS))
    yield Case("grey-16-bits.png", grey_16_bits, Picture(quarters=GREYS))
    yield Case("color-16-bits.png", color_16_bits, Picture())
    yield Case("palette.png", lambda: save(draw_indexed(), "PNG"), Picture())
    yield Case(
        "palette-transparent.png",
        lambda: save(draw("RGBA", quarters=TRANSPARENT).quantize(8), "PNG"),
        Picture(quarters=SEEN),
    )
    yield Case(
        "color-transparent.png",
        lambda: save(draw(), "PNG", transparency=GREEN),
        Picture(quarters=(RED, None, BLUE, YELLOW)),
    )
    yield Case(
        "bits-transparent.png",
        lambda: save(draw("1", quarters=BOTH), "PNG", transparency=0),
        Picture(quarters=(None, WHITE, WHITE, None)),
    )
    yield Case("alpha.png", lambda: save(draw("RGBA", quarters=TRANSPARENT), "PNG"), Picture(quarters=SEEN))
    yield Case(
        "alpha-and-profile.png",
        lambda: save(draw("RGBA", quarters=TRANSPARENT), "PNG", icc_profile=SWAPPED),
        Picture(quarters=(BLUE, None, None, (40, 210, 220))),
    )
    yield Case(
        "grey-alpha.png",
        lambda: save(draw("RGBA", quarters=((*GREY, 255), CLEAR, CLEAR, (*WHITE, 255))).convert("LA"), "PNG"),
        Picture(quarters=(GREY, None, None, WHITE)),
    )
    yield Case(
        "turned-6.png",
        lambda: save(draw().transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif_of(6)),
        Picture(),
    )
    yield Case("metadata.png", png_with_metadata, Picture(quarters=WIDENED))
    yield Case("animation.png", lambda: animated("PNG"), Picture())
    yield Case(
        "one-pixel.png", lambda: save(Image.new("RGB", (1, 1), RED), "PNG"), Picture((1, 1), (RED,) * 4)
    )
    yield Case(
        "high.png", lambda: save(Image.new("RGB", (1, 16_000), RED), "PNG"), Picture((1, 1600), (RED,) * 4)
    )
    yield Case(
        "wide.png", lambda: save(Image.new("L", (65_000, 1), 120), "PNG"), Picture((1600, 1), (GREY,) * 4)
    )
    yield Case("large.png", lambda: png_of_zeros(4_000, 3_000, 2, 3), Picture((1600, 1200), (BLACK,) * 4))
    yield Case(
        "bomb-in-its-profile.png",
        lambda: png_with_chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000), 9)),
        BROKEN,
    )
    yield Case("exif-damaged.png", lambda: png_with_chunk(b"eXIf", b"nothing"), Picture())
    yield Case("with-zip.png", lambda: save(draw(), "PNG") + zip_file(), Picture())


def png_with_chunk(kind: bytes, data: bytes) -> bytes:
    whole = save(draw(), "PNG")
    return whole[:33] + png_chunk(kind, data) + whole[33:]


def list_of_others() -> Iterator[Case]:
    yield Case("plain.gif", lambda: save(draw_indexed(), "GIF"), Picture())
    yield Case("thousand-frames.gif", gif_of_many_frames, Picture())
    yield Case("frame-beyond-its-screen.gif", gif_with_frame_beyond_its_screen, Picture())
    yield Case(
        "transparent.gif",
        lambda: save(draw_indexed(), "GIF", transparency=draw_indexed().getpixel((WIDTH - 1, 0))),
        Picture(quarters=(RED, None, BLUE, YELLOW)),
    )
    yield Case("comment.gif", lambda: save(draw_indexed(), "GIF", comment=SECRET), Picture())
    yield Case("with-zip.gif", lambda: save(draw_indexed(), "GIF") + zip_file(), Picture())
    yield Case("plain.webp", lambda: save(draw(), "WEBP", quality=95), Picture())
    yield Case(
        "alpha.webp",
        lambda: save(draw("RGBA", quarters=TRANSPARENT), "WEBP", lossless=True),
        Picture(quarters=SEEN),
    )
    yield Case("animation.webp", lambda: animated("WEBP"), Picture())
    yield Case(
        "metadata.webp",
        lambda: save(draw(), "WEBP", quality=95, exif=exif_with_secrets(), xmp=SECRET, icc_profile=WIDE),
        Picture(quarters=WIDENED),
    )
    yield Case("plain.avif", lambda: save(draw(), "AVIF", quality=90), Picture())
    yield Case(
        "alpha.avif",
        lambda: save(draw("RGBA", quarters=TRANSPARENT), "AVIF", quality=90),
        Picture(quarters=SEEN),
    )
    yield Case("animation.avif", lambda: animated("AVIF"), Picture())
    yield Case(
        "turned-6.avif",
        lambda: save(draw().transpose(Image.Transpose.ROTATE_90), "AVIF", quality=90, exif=exif_of(6)),
        Picture(),
    )
    yield Case(
        "metadata.avif",
        lambda: save(draw(), "AVIF", quality=90, exif=exif_with_secrets(), xmp=SECRET, icc_profile=WIDE),
        Picture(quarters=WIDENED),
    )


def list_bombs() -> Iterator[Case]:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    bomb = save(draw(), "PNG")
    yield Case("bomb.png", lambda: bomb[:8] + png_chunk(b"IHDR", head) + bomb[33:], TOO_LARGE)
    yield Case("bomb.jpg", lambda: set_jpeg_size(jpeg_with(), 65_500, 65_500), TOO_LARGE)
    yield Case("bomb.gif", lambda: set_gif_screen(65_535, 65_535), TOO_LARGE)
    yield Case("bomb.webp", lambda: webp_with_canvas(16_000, 16_000), TOO_LARGE)
    yield Case("bomb.avif", lambda: avif_of_size(16_000, 16_000), TOO_LARGE)
    yield Case("too-many-pixels.png", lambda: png_of_zeros(5_000, 4_010, 0, 1), TOO_LARGE)
    yield Case("too-many-pixels-with-alpha.png", lambda: png_of_zeros(5_000, 2_600, 6, 4), TOO_LARGE)
    yield Case("too-many-coefficients.jpg", lambda: progressive_of_size(8_000, 7_500), TOO_LARGE)
    text = zlib.compress(bytes(50_000_000), 9)
    yield Case("bomb-in-a-text.png", lambda: png_with_chunk(b"zTXt", b"x\0\0" + text), BROKEN)
    texts = png_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1_000_000), 9)) * 70
    yield Case("many-texts.png", lambda: bomb[:33] + texts + bomb[33:], BROKEN)


def progressive_of_size(width: int, height: int) -> bytes:
    data = jpeg_with(progressive=True)
    return set_jpeg_size(data.replace(b"\xff\xc2", b"\xff\xc0", 1), width, height).replace(
        b"\xff\xc0", b"\xff\xc2", 1
    )


def list_of_what_is_damaged() -> Iterator[Case]:
    noise = Image.effect_noise((400, 300), 200).convert("RGB")
    for format, extension in (
        ("JPEG", "jpg"),
        ("PNG", "png"),
        ("GIF", "gif"),
        ("WEBP", "webp"),
        ("AVIF", "avif"),
    ):

        def cut(part: float, format: str = format) -> bytes:
            data = save(noise.quantize() if format == "GIF" else noise, format)
            return data[: int(len(data) * part)]

        yield Case(f"half.{extension}", lambda cut=cut: cut(0.5), BROKEN)  # type: ignore[misc]
        yield Case(f"begin.{extension}", lambda cut=cut: cut(0)[:0] + cut(1)[:20], BROKEN)  # type: ignore[misc]
    whole = save(draw(), "PNG")
    yield Case("checksum.png", lambda: whole[:45] + bytes([whole[45] ^ 255]) + whole[46:], BROKEN)
    yield Case("no-size.png", lambda: png(0, 0, 8, 2, b""), BROKEN)
    yield Case("no-rows.png", lambda: png(50, 50, 8, 2, b""), BROKEN)
    yield Case("html-after-a-beginning.jpg", lambda: b"\xff\xd8\xff\xe0" + HTML * 100, BROKEN)
    yield Case("html-after-a-beginning.png", lambda: b"\x89PNG\r\n\x1a\n" + HTML * 100, BROKEN)
    yield Case("html-after-a-beginning.gif", lambda: b"GIF89a" + HTML * 100, BROKEN)
    yield Case("html-after-a-beginning.webp", lambda: b"RIFF\xff\0\0\0WEBP" + HTML * 100, BROKEN)
    yield Case("html-after-a-beginning.avif", lambda: b"\0\0\0\x20ftypavif\0\0\0\0" + HTML * 100, BROKEN)
    yield Case("12-bits.jpg", lambda: jpeg_of_depth(12), BROKEN)


def jpeg_of_depth(bits: int) -> bytes:
    data = bytearray(jpeg_with())
    data[data.index(b"\xff\xc0") + 4] = bits
    return bytes(data)


def list_of_what_is_none() -> Iterator[Case]:
    yield Case("empty.jpg", lambda: b"", UNKNOWN)
    yield Case("picture.svg", lambda: SVG, UNKNOWN)
    yield Case("svg.png", lambda: b'<?xml version="1.0"?>' + SVG, UNKNOWN)
    yield Case("html.jpg", lambda: HTML, UNKNOWN)
    yield Case("pdf.jpg", lambda: PDF + jpeg_with(), UNKNOWN)
    yield Case("zip.png", zip_file, UNKNOWN)
    yield Case("picture.bmp", lambda: save(draw(), "BMP"), UNKNOWN)
    yield Case("picture.tiff", lambda: save(draw(), "TIFF"), UNKNOWN)
    yield Case("picture.eps", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", UNKNOWN)
    yield Case("picture.heic", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), UNKNOWN)
    yield Case(
        "heic-of-a-general-kind.heic", lambda: b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200), UNKNOWN
    )
    yield Case("text.gif", lambda: b"GIF is a format.", UNKNOWN)
    yield Case("sound.webp", lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(100), UNKNOWN)


CASES = tuple(list_cases())


# The largest pictures that fit into the memory of a decoder.


def draw_noise(width: int, height: int, mode: str) -> Image.Image:
    """Blurred: noise would take long to save, and is like no picture."""
    small = Image.frombytes(
        mode, (width // 8, height // 8), os.urandom(width // 8 * (height // 8) * len(mode))
    )
    return small.resize((width, height))


LARGE = {
    "jpeg of 12 megapixels": lambda: save(draw_noise(4000, 3000, "RGB"), "JPEG", quality=95, subsampling=0),
    "jpeg of 25 megapixels": lambda: save(draw_noise(5000, 5000, "RGB"), "JPEG"),
    "progressive jpeg of 16 megapixels": lambda: save(
        draw_noise(5000, 3200, "RGB"), "JPEG", progressive=True, subsampling=0
    ),
    "jpeg of 100 megapixels": lambda: save(Image.new("L", (10_000, 10_000)), "JPEG"),
    "png of 20 megapixels": lambda: save(Image.new("RGB", (5000, 4000), FOUR[0]), "PNG"),
    "png with alpha of 12.5 megapixels": lambda: save(
        draw_noise(4160, 3000, "RGBA").quantize(32), "PNG", compress_level=1
    ),
    "gif of 20 megapixels": lambda: save(draw_noise(5000, 4000, "L"), "GIF"),
    "webp of 8.3 megapixels": lambda: save(draw_noise(3840, 2160, "RGBA"), "WEBP", method=0),
    "avif of 12.5 megapixels": lambda: save(
        draw_noise(4160, 3000, "RGB"), "AVIF", speed=10, subsampling="4:4:4"
    ),
    "avif with alpha of 8.3 megapixels": lambda: save(
        draw_noise(3840, 2160, "RGBA"), "AVIF", speed=10, subsampling="4:4:4"
    ),
}


def measure_memory(decoder: Decoder) -> int:
    """The most bytes of memory that its one process has had."""
    (process,) = decoder.list_processes()
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        (folder / case.name).write_bytes(case.make())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
