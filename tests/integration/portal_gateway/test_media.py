"""Uploaded images, public by the hash of their content."""

import hashlib

import pytest
from starlette.responses import Response

from support.portal_gateway.gateway import Gateway, problem

PICTURE = b"RIFF....WEBPVP8 "
NAME = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
async def uploaded(gateway: Gateway) -> Gateway:
    await gateway.pool.execute("DELETE FROM image")
    gateway.owners.answers["GET", f"/v1/media/{NAME}"] = Response(PICTURE, media_type="image/webp")
    return gateway


async def test_an_image_is_fetched_once_and_cached_forever(uploaded: Gateway) -> None:
    async with uploaded.browser() as browser:
        for _ in range(2):
            image = await browser.get(f"/media/{NAME}.webp")
            assert (image.status_code, image.content) == (200, PICTURE)
            assert image.headers["content-type"] == "image/webp"
            assert image.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert image.headers["x-content-type-options"] == "nosniff"
            assert image.headers["cross-origin-resource-policy"] == "same-origin"
            assert image.headers["content-length"] == str(len(PICTURE))
            assert "set-cookie" not in image.headers
    assert [path for _, path, _, _ in uploaded.owners.requests].count(f"/v1/media/{NAME}") == 1


@pytest.mark.parametrize(
    "path",
    [
        "cd" * 32 + ".webp",
        NAME.upper() + ".webp",
        NAME + ".png",
        NAME + ".webp.webp",
        NAME[:-1] + ".webp",
        NAME,
        "..%2f..%2fetc%2fpasswd.webp",
        "%00.webp",
        "",
    ],
)
async def test_an_unknown_image_is_not_found_and_not_cached(uploaded: Gateway, path: str) -> None:
    async with uploaded.browser() as browser:
        answer = await browser.get(f"/media/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


async def test_a_missing_image_is_not_cached_while_subscriptions_is_unreachable(uploaded: Gateway) -> None:
    media_response = uploaded.owners.answers["GET", f"/v1/media/{NAME}"]
    uploaded.owners.answers["GET", f"/v1/media/{NAME}"] = problem(503, "service_unavailable")
    async with uploaded.browser() as browser:
        away = await browser.get(f"/media/{NAME}.webp")
        assert (away.status_code, away.headers["cache-control"]) == (503, "no-store")
        uploaded.owners.answers["GET", f"/v1/media/{NAME}"] = media_response
        assert (await browser.get(f"/media/{NAME}.webp")).content == PICTURE
