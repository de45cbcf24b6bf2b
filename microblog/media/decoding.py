"""Makes safe pictures of what somebody has sent. Runs in a process of its own (`child.py`), within limits.

What a picture is says its content, never its name. Its pixels are counted before they are decoded. What comes
out is made of pixels alone: upright, in sRGB, without any metadata, and of an animation the first frame.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from PIL import (
    AvifImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from microblog.media.plans import Plan
from microblog.media.results import BROKEN, TOO_LARGE, UNKNOWN, Made, MadePicture, Refused

# Ours are imported above and called by us: Pillow need not import all that it has, and never chooses. Exif is
# written as a TIFF is; what is not imported now cannot be read later (`child.py`).
Image._initialized = 2
assert TiffImagePlugin  # noqa: S101
# Each thread of the AVIF decoder needs memory of its own.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
# Texts in a PNG are skipped, but Pillow keeps them all; some programs write megabytes.
PngImagePlugin.MAX_TEXT_MEMORY = 16_000_000

HEAD_BYTES: Final = 128  # by which a format is known
LONGEST_SIDE: Final = 65_500
QUALITY: Final = 80
METHOD: Final = 4  # of 0 (fast) to 6 (small)


@dataclass(frozen=True, slots=True)
class Format:
    """How files of a format begin, who reads them, and of how many pixels there is room for in memory,
    without and with an alpha channel."""

    begins: Callable[[bytes], bool]
    read: Callable[[io.BytesIO], ImageFile.ImageFile]
    most_pixels: int
    most_with_alpha: int


def begins_avif(head: bytes) -> bool:
    """Among the kinds that the file says it is; HEIC begins likewise, and has other ones."""
    brands = head[8 : int.from_bytes(head[:4])]
    kinds = {brands[start : start + 4] for start in range(0, len(brands), 4)}
    return head[4:8] == b"ftyp" and not kinds.isdisjoint((b"avif", b"avis"))


def begins_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def begins_gif(head: bytes) -> bool:
    return head.startswith((b"GIF87a", b"GIF89a"))


# Measured: docs/adr/0056-pictures.md. The readers of WebP and AVIF have more copies of the pixels in memory.
JPEG: Final = Format(
    lambda head: head.startswith(b"\xff\xd8\xff"), JpegImagePlugin.JpegImageFile, 25_000_000, 0
)
FORMATS: Final = (
    JPEG,
    Format(
        lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"),
        PngImagePlugin.PngImageFile,
        20_000_000,
        12_500_000,
    ),
    Format(begins_gif, GifImagePlugin.GifImageFile, 20_000_000, 12_500_000),
    Format(begins_webp, WebPImagePlugin.WebPImageFile, 8_400_000, 8_400_000),
    Format(begins_avif, AvifImagePlugin.AvifImageFile, 12_500_000, 8_400_000),
)

# A JPEG can be decoded at a fraction of its size, so it may have more pixels than there is room for.
MOST_PIXELS_OF_A_JPEG: Final = 120_000_000
FRACTIONS: Final = (1, 2, 4, 8)
SHARPNESS: Final = 2  # times the size that is wanted have to be left
# For its pixels, and for the coefficients of a progressive one, which are in memory all at once.
ROOM_BYTES_OF_A_JPEG: Final = 120_000_000
BYTES_OF_A_PIXEL: Final = 4
BYTES_OF_A_COEFFICIENT: Final = 2

TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS: Final = range(5, 9)
WITH_NUMBERS: Final = {"P": "RGB", "1": "L"}


def make(data: bytes, plan: Plan) -> Made:
    """
    :raises Refused: when it is no picture that we know, is damaged, or has too many pixels.
    :raises MemoryError: when it needs more than there is.
    """
    # Too many pixels are refused by us; warnings about odd metadata are of no use to anybody.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = load(data, plan)
    made = []
    for size in plan.sizes:
        image = fit(image, size, fills=plan.fills)
        made.append(encode(image))
    return Made(get_color(image), tuple(made))


def load(data: bytes, plan: Plan) -> Image.Image:
    """The largest size of the picture: upright, in RGB or RGBA."""
    kind = find_format(data)
    # Before Pillow makes room for a picture, it compares its pixels with twice this number.
    Image.MAX_IMAGE_PIXELS = kind.most_pixels // 2
    try:
        image: Any = kind.read(io.BytesIO(data))
        if kind is JPEG:
            prepare_jpeg(image, plan)
        check_size(image, kind.most_with_alpha if image.has_transparency_data else kind.most_pixels)
        image.load()
        orientation, profile = read_orientation(image), image.info.get("icc_profile")
        size = plan.sizes[0][::-1] if orientation in SIDEWAYS else plan.sizes[0]
        # The pixels without their reader, which holds others.
        image = image._new(image.im)
        image = to_resizable(image)
        small = fit(image, size, fills=plan.fills)
        return to_srgb(turn_upright(small, orientation), profile)
    except (Refused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise Refused(TOO_LARGE) from None
    except Exception:  # whatever a decoder says of damaged data: OSError, SyntaxError, struct.error, …
        raise Refused(BROKEN) from None


def find_format(data: bytes) -> Format:
    for kind in FORMATS:
        if kind.begins(data[:HEAD_BYTES]):
            return kind
    raise Refused(UNKNOWN)


def check_size(image: ImageFile.ImageFile, most_pixels: int) -> None:
    if image.width * image.height > most_pixels or max(image.size) > LONGEST_SIDE:
        raise Refused(TOO_LARGE)


def prepare_jpeg(image: Any, plan: Plan) -> None:
    """Let it be decoded at a half, a quarter or an eighth of its size: where enough is left, or there is no
    room for more."""
    check_size(image, MOST_PIXELS_OF_A_JPEG)
    room = ROOM_BYTES_OF_A_JPEG
    if image.info.get("progressive"):
        room -= count_coefficients(image) * BYTES_OF_A_COEFFICIENT
    needed = image.width * image.height * BYTES_OF_A_PIXEL
    side, wanted = (min if plan.fills else max)(image.size), SHARPNESS * max(plan.sizes[0])
    possible = [fraction for fraction in FRACTIONS if needed <= room * fraction**2]
    if not possible:
        raise Refused(TOO_LARGE)
    fraction = max((fraction for fraction in possible if side >= wanted * fraction), default=possible[0])
    image.draft(None, (max(1, image.width // fraction), max(1, image.height // fraction)))


def count_coefficients(image: Any) -> int:
    """Of all components; each may be sampled less often than the one that is sampled most often."""
    samples = [horizontal * vertical for _, horizontal, vertical, _ in image.layer]
    return int(image.width * image.height * sum(samples) / max(samples))


def read_orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Exif that is damaged keeps nobody from seeing the picture
        return 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def to_resizable(image: Image.Image) -> Image.Image:
    """With colours instead of numbers of them, and transparency as a channel."""
    if image.mode.startswith("I;16"):
        return image
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in WITH_NUMBERS:
        return image.convert(WITH_NUMBERS[image.mode])
    return image


def fit(image: Image.Image, size: tuple[int, int], *, fills: bool) -> Image.Image:
    """At most so large, and no larger than it was; or exactly so large, cut out of the middle."""
    if fills:
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    scale = min(size[0] / image.width, size[1] / image.height)
    if scale >= 1:
        return image
    smaller = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(smaller, Image.Resampling.LANCZOS)


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """In RGB or RGBA, with 8 bits a channel."""
    if image.mode.startswith("I;16"):
        # `convert` alone would make all that is brighter than 255 white.
        image = image.convert("F").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colors = image.convert("RGB") if image.mode == "RGBA" else image
    if profile:
        colors = apply_profile(colors, profile)
    colors = colors.convert("RGB")
    if alpha is not None:
        colors.putalpha(alpha)
    return colors


def apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The same colours in sRGB; as it is when the profile is damaged, or one for other pixels."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    assert converted is not None  # noqa: S101  # for the types: nothing is converted in place
    return converted


def encode(image: Image.Image) -> MadePicture:
    file = io.BytesIO()
    bare = image.copy()
    bare.info = {}  # neither Exif nor a profile
    bare.save(file, "WEBP", quality=QUALITY, method=METHOD, exif=b"", icc_profile=None)
    return MadePicture(*image.size, file.getvalue())


def get_color(image: Image.Image) -> str:
    """The mean colour; what is transparent counts as white."""
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    pixel: Any = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return "#{:02x}{:02x}{:02x}".format(*pixel)
