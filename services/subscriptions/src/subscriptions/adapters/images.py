"""Uploaded pictures are decoded, shrunk and encoded again, so that no metadata and no other content remains."""

import hashlib
import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from subscriptions.application.ports import PIXELS_MAX, NotAPicture, Picture, TooManyPixels

FORMATS = ("PNG", "JPEG", "WEBP")
SIDE_PIXELS_MAX = 512
"""The longer side of a stored picture."""


def webp(content: bytes) -> Picture:
    """The picture as WebP. Raises NotAPicture.

    Takes up to one second and 250 MB: run it in a thread, one picture at a time.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(BytesIO(content), formats=FORMATS)
            if opened.width * opened.height > PIXELS_MAX:
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
    """The picture, upright and at most SIDE_PIXELS_MAX wide and high; the first frame of an animation."""
    if opened.mode.startswith("I"):  # 16 bits of grey: conversion would clip to 8 bits instead of scaling
        opened = opened.point(lambda level: level / 256).convert("L")
    mode = "RGBA" if opened.has_transparency_data else "RGB"
    picture = opened if opened.mode == mode else opened.convert(mode)
    picture.thumbnail((SIDE_PIXELS_MAX, SIDE_PIXELS_MAX))
    return ImageOps.exif_transpose(picture)
