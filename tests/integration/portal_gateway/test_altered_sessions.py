"""Altered session secrets open nothing, and a secret counts only in its cookie."""

import pytest

from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile())
    return merchant


async def test_no_altered_secret_opens_a_session(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        name, _, secret = browser.headers["cookie"].partition("=")
        flipped = [secret[:at] + chr(ord(secret[at]) ^ 1) + secret[at + 1 :] for at in range(len(secret))]
        for altered in [*flipped, secret[:-1], secret + "A", secret.swapcase(), f'"{secret}"', f"{secret}%00"]:
            answer = await browser.get("/api/session", headers={"cookie": f"{name}={altered}"})
            assert (answer.status_code, answer.json()["code"]) == (401, "session_required"), altered
        assert (await browser.get("/api/session")).status_code == 200


async def test_a_secret_opens_a_session_only_in_its_cookie(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        cookie = browser.headers.pop("cookie")
        secret = cookie.partition("=")[2]
        for headers in (
            {"cookie": f"portal={secret}"},
            {"cookie": f"__host-portal={secret}"},
            {"authorization": f"Bearer {secret}"},
        ):
            assert (await browser.get(f"/api/overview?__Host-portal={secret}", headers=headers)).status_code == 401


async def test_a_link_in_a_query_opens_no_session(ana: Merchant) -> None:
    token = (await ana.link()).partition("#")[2]
    async with ana.gateway.browser() as browser:
        for path in (f"/enter?token={token}", f"/enter/{token}", f"/?link={token}", f"/api/overview?token={token}"):
            answer = await browser.get(path)
            assert "set-cookie" not in answer.headers, path
        assert (await browser.post(f"/api/session?token={token}", json={})).status_code == 422


@pytest.mark.parametrize("other", ['x={"a": 1}', "a b=c", "flag", "[x]=1", "=", "__Host-portal2=x"])
async def test_other_cookies_of_the_host_hide_no_session(ana: Merchant, other: str) -> None:
    async with ana.signed_in() as browser:
        cookie = browser.headers.pop("cookie")
        for header in (f"{other}; {cookie}", f"{cookie};{other}"):
            assert (await browser.get("/api/session", headers={"cookie": header})).status_code == 200
