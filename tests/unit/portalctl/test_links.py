"""Links through the gateway's API, for merchants and customers of state.json."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from portalctl import links
from portalctl.local.errors import StackError

STATE = {
    "urls": {"portal-gateway": "http://127.0.0.1:1"},
    "merchants": {"first": {"id": "m1", "api_key": "key-1"}, "second": {"id": "m2", "api_key": "key-2"}},
    "customers": {"ana": {"id": "c1", "merchant": "second"}},
}

Received = list[tuple[str, str, str | None, object]]


class Handler(http.server.BaseHTTPRequestHandler):
    """Remembers what it was received; refuses one customer."""

    received: Received

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.received.append(("POST", self.path, self.headers["authorization"], body))
        known = body["customer_id"] != "unknown"
        self._answer(201 if known else 404, {"id": "l1", "url": "http://portal/enter#l1"} if known else {"code": "not_found"})

    def do_DELETE(self) -> None:
        self.received.append(("DELETE", self.path, self.headers["authorization"], None))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def received() -> Received:
    return []


@pytest.fixture
def gateway(received: Received) -> Iterator[links.Gateway]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"received": received})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield links.Gateway(f"http://127.0.0.1:{server.server_address[1]}", "key-1")
        server.shutdown()
        thread.join()


def test_a_link_is_created_with_the_given_options_only(gateway: links.Gateway, received: Received) -> None:
    link = links.create(gateway, "c1", {"kind": "portal", "locale": None})
    assert link["url"] == "http://portal/enter#l1"
    assert received == [("POST", "/v1/portal-links", "Bearer key-1", {"customer_id": "c1", "kind": "portal"})]


def test_a_refusal_has_the_gateways_texts(gateway: links.Gateway) -> None:
    with pytest.raises(StackError, match=r"answered 404: .*not_found"):
        links.create(gateway, "unknown", {})


def test_one_link_or_all_of_a_customers_are_revoked(gateway: links.Gateway, received: Received) -> None:
    links.revoke(gateway, link_id="l1")
    links.revoke(gateway, customer_id="c1")
    assert [path for _, path, _, _ in received] == ["/v1/portal-links/l1", "/v1/portal-links?customer_id=c1"]


def test_a_gateway_that_does_not_answer_is_named() -> None:
    with pytest.raises(StackError, match=r"does not answer at http://127\.0\.0\.1:1:"):
        links.revoke(links.Gateway("http://127.0.0.1:1", "key"), link_id="l1")


def test_a_customer_of_the_state_has_its_merchant() -> None:
    assert links.customer_of(STATE, "ana") == ("c1", "second")
    assert links.customer_of(STATE, "c9") == ("c9", None)


def test_the_key_is_the_given_one_or_the_merchants() -> None:
    assert links.gateway_of(STATE, "second", None, None).api_key == "key-2"
    assert links.gateway_of(STATE, None, None, None).api_key == "key-1"
    assert links.gateway_of({}, None, "own", "http://elsewhere") == links.Gateway("http://elsewhere", "own")


def test_an_unknown_merchant_is_reported_with_the_known_ones() -> None:
    with pytest.raises(StackError, match="known: first, second"):
        links.gateway_of(STATE, "third", None, None)
