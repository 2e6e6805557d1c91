"""Any upload becomes a small WebP with the picture only, or is refused."""

import hashlib
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from subscriptions.adapters.images import webp
from subscriptions.application.ports import PIXELS_MAX, NotAPicture, TooManyPixels

RED, GREEN = (200, 30, 30), (20, 160, 60)
SCRIPT = b"<script>alert(document.domain)</script>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def drawn(mode: str = "RGB", size: tuple[int, int] = (40, 20), colour: Any = RED) -> Image.Image:
    return Image.new(mode, size, colour)


def encoded(kind: str, image: Image.Image | None = None, **how: Any) -> bytes:
    out = BytesIO()
    (image or drawn()).save(out, kind, **how)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(webp(content).bytes))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of so many white pixels in a few kilobytes."""
    rows = zlib.compress((b"\0" + b"\xff" * ((width + 7) // 8)) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def unfolding(side: int) -> bytes:
    """A WebP of 38 bytes: one colour, `side` pixels wide and high."""
    size = struct.pack("<I", (side - 1) | (side - 1) << 14)
    body = b"WEBPVP8L" + struct.pack("<I", 17) + b"/" + size + bytes.fromhex("07d0842634a1ff8188e87f00") + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def near(pixel: Any, expected: tuple[int, ...]) -> bool:
    """The encoding is lossy."""
    return all(abs(a - b) <= 6 for a, b in zip(pixel, expected, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_result_is_a_small_webp_named_by_its_hash(kind: str) -> None:
    picture = webp(encoded(kind, drawn(size=(1200, 600))))
    assert (picture.width, picture.height) == (512, 256)
    assert picture.id == hashlib.sha256(picture.bytes).hexdigest()
    assert Image.open(BytesIO(picture.bytes)).format == "WEBP"
    assert picture == webp(encoded(kind, drawn(size=(1200, 600))))


@pytest.mark.parametrize(
    ("size", "expected"), [((40, 20), (40, 20)), ((1, 1), (1, 1)), ((20_000, 1), (512, 1)), ((3, 9000), (1, 512))]
)
def test_a_small_picture_is_not_blown_up_and_a_thin_one_does_not_vanish(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert opened(encoded("PNG", drawn(size=size))).size == expected


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (drawn("L", colour=77), (77, 77, 77)),
        (drawn("1", colour=1), (255, 255, 255)),
        (drawn("I;16", colour=40_000), (156, 156, 156)),
        (drawn().convert("P"), RED),
        (drawn("LA", colour=(77, 128)), (77, 77, 77, 128)),
        (drawn("RGBA", colour=(*RED, 128)), (*RED, 128)),
    ],
    ids=lambda it: it.mode if isinstance(it, Image.Image) else "",
)
def test_every_kind_of_png_keeps_its_colours_and_what_is_seen_through(image: Image.Image, seen: tuple[int, ...]) -> None:
    stored = opened(encoded("PNG", image))
    assert stored.mode == ("RGBA" if len(seen) == 4 else "RGB")
    if image.mode != "P":  # the web palette of P has no such red
        assert near(stored.getpixel((5, 5)), seen)


def test_a_palette_with_a_hole_keeps_the_hole() -> None:
    image = drawn("P", colour=0)
    ImageDraw.Draw(image).rectangle((0, 0, 19, 19), fill=1)
    image.putpalette([*RED, *GREEN])
    stored = opened(encoded("PNG", image, transparency=0))
    left, right = stored.getpixel((5, 5)), stored.getpixel((35, 5))
    assert near(left, (*GREEN, 255))
    assert isinstance(right, tuple)
    assert right[3] == 0


def test_a_jpeg_for_printers_has_its_colours() -> None:
    stored = opened(encoded("JPEG", drawn("CMYK", colour=(0, 255, 255, 0))))
    assert (stored.mode, near(stored.getpixel((5, 5)), (254, 0, 0))) == ("RGB", True)


def test_the_first_frame_of_an_animation_is_stored() -> None:
    for kind in ("PNG", "WEBP"):
        content = encoded(kind, drawn(), save_all=True, append_images=[drawn(colour=GREEN)], duration=100)
        stored = opened(content)
        assert getattr(stored, "n_frames", 1) == 1
        assert near(stored.getpixel((5, 5)), RED)


def test_camera_metadata_is_removed_and_the_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    for kind in ("JPEG", "PNG", "WEBP"):
        picture = webp(encoded(kind, exif=exif, icc_profile=PROFILE))
        stored = Image.open(BytesIO(picture.bytes))
        assert (picture.width, picture.height) == (20, 40)
        assert b"taken at home" not in picture.bytes
        assert not {"exif", "icc_profile", "xmp"} & stored.info.keys()


def test_hidden_content_is_removed() -> None:
    metadata = PngInfo()
    metadata.add_text("Comment", SCRIPT.decode())
    for content in (
        encoded("JPEG", comment=SCRIPT),
        encoded("JPEG") + SCRIPT,
        encoded("PNG", pnginfo=metadata),
        encoded("PNG") + b"PK\x03\x04" + SCRIPT,
        encoded("WEBP", xmp=SCRIPT),
    ):
        assert SCRIPT in content
        cleaned = webp(content).bytes
        assert b"script" not in cleaned
        assert cleaned[:4] == b"RIFF"
        assert len(cleaned) == 8 + int.from_bytes(cleaned[4:8], "little")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><!DOCTYPE svg><svg/>",
        b"%PDF-1.7",
        b"GIF89a",
        encoded("GIF"),
        encoded("BMP"),
        encoded("TIFF"),
        encoded("ICO"),
        b"GIF89a" + encoded("PNG"),
        SCRIPT + encoded("JPEG"),
        encoded("PNG")[:40],
        encoded("JPEG")[:100],
        encoded("PNG", Image.effect_noise((300, 300), 50))[:20_000],
        encoded("JPEG", Image.effect_noise((300, 300), 50))[:9_000],
        encoded("WEBP", Image.effect_noise((300, 300), 50))[:9_000],
        bomb(30, 30).replace(b"IDAT", b"IDAX"),
    ],
    ids=lambda content: content[:12].hex() + f"-{len(content)}",
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        webp(content)


@pytest.mark.parametrize(
    "content",
    [bomb(20_000, 20_000), bomb(PIXELS_MAX, 2), unfolding(6_000), unfolding(16_383)],
    ids=["png", "line", "webp", "largest"],
)
def test_a_decompression_bomb_is_not_decoded(content: bytes) -> None:
    assert len(content) < 100_000
    with pytest.raises(TooManyPixels):
        webp(content)


def test_a_large_picture_within_the_limit_is_accepted() -> None:
    assert (webp(unfolding(100)).width, webp(bomb(3_000, 3_000)).width) == (100, 512)
