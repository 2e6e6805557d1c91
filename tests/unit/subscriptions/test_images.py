import hashlib
from io import BytesIO

import pytest
from PIL import Image

from subscriptions.adapters.images import NotAPicture, webp


def encoded(kind: str, size: tuple[int, int] = (10, 10), mode: str = "RGB", **how: object) -> bytes:
    out = BytesIO()
    Image.new(mode, size, "red" if mode == "RGB" else None).save(out, kind, **how)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_comes_out_is_a_small_webp_named_by_its_hash(kind: str) -> None:
    picture = webp(encoded(kind, (3000, 1500)))
    assert (picture.width, picture.height) == (512, 256)
    assert picture.id == hashlib.sha256(picture.bytes).hexdigest()
    assert Image.open(BytesIO(picture.bytes)).format == "WEBP"


def test_a_small_picture_is_not_blown_up() -> None:
    assert webp(encoded("PNG", (40, 20))).width == 40


def test_transparency_stays() -> None:
    picture = webp(encoded("PNG", mode="RGBA"))
    assert Image.open(BytesIO(picture.bytes)).mode == "RGBA"


def test_what_a_camera_wrote_into_it_is_gone_and_the_picture_is_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "taken at home"
    picture = webp(encoded("JPEG", (40, 20), exif=exif))
    assert (picture.width, picture.height) == (20, 40)
    assert b"taken at home" not in picture.bytes


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg/>", b"GIF89a", encoded("GIF"), encoded("PNG")[:40], encoded("JPEG")[:100], encoded("BMP"), b"\0" * 5000],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        webp(content)


def test_a_bomb_is_not_opened() -> None:
    with pytest.raises(NotAPicture):
        webp(encoded("PNG", (9000, 9000), mode="1"))
