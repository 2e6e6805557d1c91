"""Origins and peppers with which the gateway refuses to start."""

import pytest
from pydantic import ValidationError

from portal_gateway.settings import Settings
from support.settings import fields


def settings(**changes: str) -> Settings:
    return Settings.model_validate(fields(**changes))


@pytest.mark.parametrize(
    "origins",
    [
        {},
        {"public_url": "https://portal.example/"},
        {"public_url": "http://127.0.0.1:8000", "cards_url": "http://localhost:8001"},
        {"public_url": "http://[::1]:8000", "cards_url": "http://127.0.0.1:8001"},
    ],
)
def test_https_and_loopback_origins_are_accepted(origins: dict[str, str]) -> None:
    assert not settings(**origins).public_url.endswith("/")


@pytest.mark.parametrize("name", ["public_url", "cards_url"])
@pytest.mark.parametrize("url", ["http://elsewhere.example", "http://127.0.0.1.nip.example", "http://10.0.0.7:8000"])
def test_plain_http_is_refused_for_portal_and_card_page(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match="plain http"):
        settings(**{name: url})


@pytest.mark.parametrize("name", ["public_url", "cards_url"])
@pytest.mark.parametrize(
    "url", ["", "portal.example", "ftp://portal.example", "https://portal.example/path", "https://p.example?x"]
)
def test_a_malformed_origin_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error"):
        settings(**{name: url})


@pytest.mark.parametrize("cards", ["https://portal.example", "https://portal.example:8443", "https://PORTAL.example"])
def test_the_card_page_needs_its_own_host_name_because_cookies_ignore_ports(cards: str) -> None:
    with pytest.raises(ValidationError, match="the host name of PUBLIC_URL"):
        settings(cards_url=cards)


def test_a_short_pepper_is_refused_and_not_echoed() -> None:
    with pytest.raises(ValidationError) as error:
        settings(link_pepper="only-a-short-one")
    assert "only-a-short-one" not in str(error.value)
