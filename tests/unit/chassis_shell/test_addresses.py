"""Client addresses in rate limits and logs, and warnings about untrusted proxies."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from chassis.http import addresses
from chassis.http.addresses import NoTrustedProxy, prefix_of, rate_limit_key
from chassis.http.server import serve


@pytest.mark.parametrize(
    ("address", "counted", "logged"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.0/24"),
        ("unknown", "unknown", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_an_address_has_a_rate_limit_key_and_a_log_prefix(address: str, counted: str, logged: str) -> None:
    assert (rate_limit_key(address), prefix_of(address)) == (counted, logged)


class Log:
    def __init__(self) -> None:
        self.warned: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.warned.append((event, fields))


async def requested(app: Any, *headers: tuple[bytes, bytes]) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    await app({"type": "http", "headers": list(headers), "client": ("203.0.113.7", 1)}, receive, send)


async def test_an_untrusted_proxy_causes_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    log, requests = Log(), list[Scope]()
    monkeypatch.setattr(addresses, "log", log)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        requests.append(scope)

    watched = NoTrustedProxy(app)
    await requested(watched, (b"host", b"portal.example"))
    assert log.warned == []
    for _ in range(2):
        await requested(watched, (b"host", b"portal.example"), (b"x-forwarded-for", b"198.51.100.1"))
    fields = {"header": "x-forwarded-for", "address": "203.0.113.0/24", "setting": "TRUSTED_PROXIES"}
    assert log.warned == [("http.forwarding_ignored", fields)]
    assert len(requests) == 3


def test_a_server_that_trusts_a_proxy_does_not_warn() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    assert isinstance(serve(app, grace_seconds=1).config.app, NoTrustedProxy)
    assert serve(app, grace_seconds=1, trusted_proxies="10.0.0.0/8").config.app is app
