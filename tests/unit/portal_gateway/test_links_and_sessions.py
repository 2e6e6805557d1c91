"""Tokens, peppers, lifetimes, the cookie, and positions in URLs."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_gateway.application import session_cookie
from portal_gateway.application.view import Position
from portal_gateway.domain.access import ABSOLUTE, IDLE, Session, lifetime
from portal_gateway.domain.tokens import LinkToken, Peppers, csrf_token, encoded, page_tag, same, session_digest

ID = UUID("0190a000-0000-7000-8000-00000000000f")
SECRET = encoded(bytes(range(32)))
TOKEN = LinkToken(ID, SECRET)
PEPPERS = Peppers("new pepper of thirty-two characters,old pepper of thirty-two characters")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        str(TOKEN)[:-1],
        f"{TOKEN}A",
        f"{ID}.",
        f".{SECRET}",
        f"{TOKEN}\x00",
        str(TOKEN).replace("a", "а"),  # a Cyrillic letter that looks the same
        str(TOKEN).upper(),
        f"x#y#{TOKEN}" * 100,
        "A" * 10_000_000,
    ],
    ids=[
        *("empty", "no token", "truncated", "too long", "no secret", "no id", "NUL", "look-alike", "other case", "many", "10 MB"),
    ],
)
def test_other_text_is_not_a_link(text: str) -> None:
    assert LinkToken.read(text) is None


@given(st.integers(0, 42), st.sampled_from("ABCabc019-_"))
def test_any_other_secret_opens_nothing(place: int, letter: str) -> None:
    changed = LinkToken(ID, SECRET[:place] + letter + SECRET[place + 1 :])
    digest = PEPPERS.digest(TOKEN, PEPPERS.newest)
    assert PEPPERS.opens(changed, PEPPERS.newest, digest) == (changed == TOKEN)


def test_a_secret_opens_only_its_own_link() -> None:
    digest = PEPPERS.digest(TOKEN, PEPPERS.newest)
    assert not PEPPERS.opens(LinkToken(uuid4(), SECRET), PEPPERS.newest, digest)


def test_an_old_pepper_verifies_until_it_is_retired() -> None:
    before = Peppers("old pepper of thirty-two characters")
    digest = before.digest(TOKEN, before.newest)
    assert PEPPERS.newest != before.newest
    assert PEPPERS.opens(TOKEN, before.newest, digest)
    assert not Peppers("new pepper of thirty-two characters").opens(TOKEN, before.newest, digest)


def test_a_short_pepper_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        Peppers("short")


def test_the_same_request_gets_the_same_token_and_another_request_another() -> None:
    one = PEPPERS.derived(ID, "attempt 1", PEPPERS.newest)
    assert one == PEPPERS.derived(ID, "attempt 1", PEPPERS.newest) == LinkToken.read(str(one))
    assert one != PEPPERS.derived(ID, "attempt 2", PEPPERS.newest)


def test_a_links_lifetime_depends_on_its_kind() -> None:
    assert lifetime("portal", None) == timedelta(days=30)
    assert lifetime("session", None) == timedelta(minutes=10)
    assert lifetime("portal", 60) == timedelta(minutes=1)
    for kind, seconds in (("session", 601), ("portal", 0), ("portal", -1), ("portal", 10**9)):
        with pytest.raises(ValueError, match="lasts between"):
            lifetime(kind, seconds)  # type: ignore[arg-type]  # one kind at a time


def test_a_session_ends_after_idle_time_and_at_the_latest_after_a_working_day() -> None:
    began = datetime(2026, 11, 1, 9, tzinfo=UTC)
    session = Session(uuid4(), uuid4(), uuid4(), uuid4(), began, began + timedelta(hours=1), "csrf")
    assert session.ends_at == began + timedelta(hours=1) + IDLE
    late = Session(uuid4(), uuid4(), uuid4(), uuid4(), began, began + timedelta(hours=7, minutes=50), "csrf")
    assert late.ends_at == late.latest_end == began + ABSOLUTE


def test_each_session_has_its_own_form_token() -> None:
    mine, yours = csrf_token(SECRET), csrf_token(encoded(b"x" * 32))
    assert same(mine, csrf_token(SECRET))
    assert not same(mine, yours)
    assert SECRET not in mine
    assert not same(mine, "é")


def test_a_page_tag_identifies_the_session_without_its_token() -> None:
    mine, yours = csrf_token(SECRET), csrf_token(encoded(b"x" * 32))
    assert page_tag(mine) == page_tag(mine) != page_tag(yours)
    assert page_tag(mine) not in mine


@pytest.mark.parametrize("cookie", [None, "", "short", "x" * 44, f"{SECRET}\n", "é" * 43])
def test_a_malformed_cookie_is_not_looked_up(cookie: str | None) -> None:
    assert session_digest(cookie) is None


def test_the_cookie_is_bound_to_this_host_and_unreadable_to_scripts() -> None:
    header = session_cookie.setting(SECRET)["set-cookie"]
    assert header == f"__Host-portal={SECRET}; Path=/; Secure; HttpOnly; SameSite=Lax"
    assert session_cookie.presented(f"lang=es; __Host-portal={SECRET}") == SECRET
    assert session_cookie.presented("lang=es") is None
    assert session_cookie.presented(None) is None
    assert "Max-Age=0" in session_cookie.clearing()["set-cookie"]


@pytest.mark.parametrize(
    "text", [None, "", "subscription-1:2", f"plan-{ID}:1", f"wallet-{ID}:-1", f"wallet-{ID}:1e9", f"wallet-{ID}:9999999999"]
)
def test_an_invalid_position_is_not_parsed(text: str | None) -> None:
    assert Position.read(text) is None


def test_a_written_position_is_parsed_back() -> None:
    position = Position(f"wallet-{ID}", 7)
    assert Position.read(str(position)) == position
