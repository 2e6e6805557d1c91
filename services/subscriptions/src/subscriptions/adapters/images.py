"""Pictures made harmless: decoded, shrunk and encoded anew, so that nothing but the picture is left."""

import hashlib
import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from subscriptions.application.ports import Picture

FORMATS = ("PNG", "JPEG", "WEBP")
SIDE = 512
"""Pixels of the longer side, at most."""
PIXELS = 40_000_000
"""A picture of more is not decoded: it may be a bomb."""


class NotAPicture(Exception):
    """Not a PNG, JPEG or WebP that can be decoded."""


def webp(content: bytes) -> Picture:
    """Raises NotAPicture. Takes tens of milliseconds: not for an event loop."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(BytesIO(content), formats=FORMATS)
            if opened.width * opened.height > PIXELS:
                raise NotAPicture
            opened.draft("RGB", (SIDE, SIDE))
            picture = ImageOps.exif_transpose(opened).convert("RGBA" if opened.has_transparency_data else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning):
        raise NotAPicture from None
    picture.thumbnail((SIDE, SIDE))
    encoded = BytesIO()
    picture.save(encoded, "WEBP", quality=88, method=4)
    content = encoded.getvalue()
    return Picture(hashlib.sha256(content).hexdigest(), content, picture.width, picture.height)
