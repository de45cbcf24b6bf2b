"""Makes safe pictures of what somebody has sent. Runs in a process of its own (`child.py`), within limits.

What a picture is says its content, never its name. Its pixels are counted before they are decoded. What comes
out is made of pixels alone: upright, in sRGB, without any metadata, and of an animation the first frame.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageCms, ImageOps

from microblog.media.plans import Plan

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
# A JPEG is decoded at a fraction of its size when that is enough; of others all pixels are in memory at once.
MOST_PIXELS: Final = 16_500_000
MOST_PIXELS_OF_JPEG: Final = 120_000_000
LONGEST_SIDE: Final = 16_383  # of WebP, and far beyond any camera
QUALITY: Final = 80
METHOD: Final = 4  # of 0 (fast) to 6 (small)

# Reasons for which a picture is refused.
UNKNOWN, BROKEN, TOO_LARGE = "unknown", "broken", "too_large"


class Refused(Exception):
    """The picture cannot be used; its argument is one of the reasons above."""


@dataclass(frozen=True, slots=True)
class MadePicture:
    """One size of a picture, as a WebP file."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """The sizes of a picture, the largest first, and its mean colour as `#rrggbb`."""

    color: str
    pictures: tuple[MadePicture, ...]


def make(data: bytes, plan: Plan) -> Made:
    """
    :raises Refused: when it is no picture that we know, is damaged, or has too many pixels.
    """
    # Large ones are refused by us; warnings about odd metadata are of no use to anybody.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = load(data, plan)
        made = []
        for size in plan.sizes:
            image = fit(image, size, fills=plan.fills)
            made.append(encode(image))
        return Made(get_color(image), tuple(made))


def load(data: bytes, plan: Plan) -> Image.Image:
    """The pixels of the picture: upright, in RGB or RGBA."""
    Image.MAX_IMAGE_PIXELS = None  # counted here, by the format
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.UnidentifiedImageError, ValueError, SyntaxError, OSError):
        raise Refused(UNKNOWN) from None
    except Exception:  # a parser of headers that stumbles over a hostile one
        raise Refused(BROKEN) from None
    width, height = image.size
    most = MOST_PIXELS_OF_JPEG if image.format == "JPEG" else MOST_PIXELS
    if width * height > most or max(width, height) > 4 * LONGEST_SIDE:
        raise Refused(TOO_LARGE)
    try:
        if image.format == "JPEG":
            longest = max(plan.sizes[0])
            image.draft(None, (longest, longest))
        image.load()
        if image.size[0] * image.size[1] > MOST_PIXELS:
            raise Refused(TOO_LARGE)
        return ImageOps.exif_transpose(to_rgb(image))
    except (Refused, MemoryError):
        raise
    except Exception:  # whatever a decoder says of damaged data: OSError, SyntaxError, struct.error, …
        raise Refused(BROKEN) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """In sRGB with 8 bits a channel; with an alpha channel where something is transparent."""
    has_alpha = image.has_transparency_data
    profile = image.info.get("icc_profile")
    exif = image.getexif()
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        # Grey with 16 bits: `convert` would cut off all that is brighter than 255.
        image = image.convert("F").point(lambda value: value * (1 / 256)).convert("L")
    elif profile and image.mode in ("RGB", "RGBA", "CMYK", "L"):
        image = apply_profile(image, profile)
    if image.mode != ("RGBA" if has_alpha else "RGB"):
        image = image.convert("RGBA" if has_alpha else "RGB")
    image.info = {"exif": exif.tobytes()} if exif else {}
    return image


def apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """The same colours in sRGB; as it is when the profile is damaged, or for other pixels."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if image.mode == "RGBA" else image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted: Any = ImageCms.profileToProfile(
            colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image
    if alpha is not None:
        converted.putalpha(alpha)
    return converted  # type: ignore[no-any-return]


def fit(image: Image.Image, size: tuple[int, int], *, fills: bool) -> Image.Image:
    """At most so large; never larger than it was, unless it has to fill the size."""
    if fills:
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    if image.size[0] <= size[0] and image.size[1] <= size[1]:
        return image
    fitted = image.copy()
    fitted.thumbnail(size, Image.Resampling.LANCZOS)
    return fitted


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
