"""Pictures made harmless: decoded, shrunk and encoded anew, so that nothing but the picture is left."""

import hashlib
import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from chassis.http.problems import Refusals
from subscriptions.application.ports import Picture

FORMATS = ("PNG", "JPEG", "WEBP")
SIDE = 512
"""Pixels of the longer side, at most."""
PIXELS = 12_500_000
"""A picture of more is not decoded: 40 bytes of WebP can unfold to gigabytes."""


class NotAPicture(Exception):
    """Not a PNG, JPEG or WebP that can be decoded."""


class TooManyPixels(NotAPicture):
    """More than PIXELS."""


REFUSALS: Refusals = {
    NotAPicture: (422, "not_a_picture", "Only PNG, JPEG and WebP pictures are taken, each as the whole body"),
    TooManyPixels: (422, "too_many_pixels", f"A picture may have {PIXELS} pixels"),
}


def webp(content: bytes) -> Picture:
    """Raises NotAPicture. Takes up to a second and a quarter of a gigabyte: not for an event loop, and one after another."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(BytesIO(content), formats=FORMATS)
            if opened.width * opened.height > PIXELS:
                raise TooManyPixels
            picture = _small(opened)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Warning):
        raise NotAPicture from None
    encoded = BytesIO()
    picture.save(encoded, "WEBP", quality=88, method=4)
    content = encoded.getvalue()
    return Picture(hashlib.sha256(content).hexdigest(), content, picture.width, picture.height)


def _small(opened: Image.Image) -> Image.Image:
    """The picture itself, upright: of an animation the first one."""
    if opened.mode.startswith("I"):  # 16 bits of grey, which would be cut off at 8 instead of scaled
        opened = opened.point(lambda level: level / 256).convert("L")
    mode = "RGBA" if opened.has_transparency_data else "RGB"
    picture = opened if opened.mode == mode else opened.convert(mode)
    picture.thumbnail((SIDE, SIDE))
    return ImageOps.exif_transpose(picture)
