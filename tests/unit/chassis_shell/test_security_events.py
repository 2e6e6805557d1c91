"""Each refused key, token, authorization or rate is one event and one count, without secrets."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import OKPKey
from prometheus_client import REGISTRY

from chassis.http import security_events
from chassis.http.app import create_app
from chassis.http.authentication import Authenticator, Caller, Merchant, Operator
from chassis.http.problems import Problem
from chassis.http.service_tokens import Signer, Verifier
from chassis.tenants import Tenant

KEYS = {name: OKPKey.generate_key("Ed25519", {"kid": name}) for name in ("lamps", "portal-gateway", "payments")}
PUBLIC = json.dumps({"keys": [key.as_dict(private=False) for key in KEYS.values()]})
MERCHANT, GOOD_KEY, BAD_KEY = uuid4(), "sk_test_" + "G" * 43, "sk_test_" + "B" * 43


class Knows:
    async def by_key(self, key: str) -> Tenant | None:
        return Tenant(MERCHANT, {"api_keys": []}) if key == GOOD_KEY else None


class Log:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))


def token(issuer: str) -> str:
    return Signer(issuer, json.dumps(KEYS[issuer].as_dict(private=True))).token("lamps", merchant_id=MERCHANT)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(security_events, "log", log)
    return log


def an_app() -> FastAPI:
    authenticator = Authenticator(Knows(), Verifier("lamps", PUBLIC), "0" * 64)  # type: ignore[arg-type]
    peers = {"portal-gateway": frozenset({("GET", "/v1/lamps/{id}")})}
    app = create_app("Lamps", service="lamps", authenticator=authenticator, peers=peers)

    @app.get("/v1/lamps/{id}")
    async def lamp(_: Caller, id: int) -> None:
        if id == 429:
            raise Problem(429, "too_many_requests", "Too many", headers={"retry-after": "1"})
        if id == 401:
            raise Problem(401, "session_required", "The session has ended")

    @app.post("/v1/lamps")
    async def merchants(_: Merchant) -> None: ...

    @app.post("/v1/operators")
    async def operators(_: Operator) -> None: ...

    return app


async def call(method: str, path: str, credential: str | None) -> int:
    headers = {"authorization": f"Bearer {credential}"} if credential else {}
    transport = ASGITransport(an_app(), client=("203.0.113.7", 1))
    async with AsyncClient(transport=transport, base_url="http://lamps", headers=headers) as client:
        return (await client.request(method, path)).status_code


def counted(event: str) -> float:
    return REGISTRY.get_sample_value("security_events_total", {"event": event}) or 0


# A service name stands for its token.
REFUSALS: list[tuple[str, str, str | None, int, str, dict[str, Any]]] = [
    ("GET", "/v1/lamps/1", None, 401, "security.key_refused", {"reason": "absent"}),
    ("GET", "/v1/lamps/1", BAD_KEY, 401, "security.key_refused", {"reason": "unknown or revoked"}),
    ("GET", "/v1/lamps/1", "nonsense", 401, "security.token_refused", {}),
    ("GET", "/v1/lamps/1", "payments", 403, "security.authorization_refused", {"issuer": "payments", "code": "forbidden"}),
    ("POST", "/v1/operators", GOOD_KEY, 403, "security.authorization_refused", {"merchant_id": str(MERCHANT)}),
    ("POST", "/v1/lamps", "portal-gateway", 403, "security.authorization_refused", {"subject": "service:portal-gateway"}),
    ("GET", "/v1/lamps/429", GOOD_KEY, 429, "security.rate_limited", {"code": "too_many_requests", "subject": "merchant:key"}),
]


IDS = ["no credential", "bad key", "nonsense", "payments' token", "key on the operator's", "gateway's token", "too often"]


@pytest.mark.parametrize(("method", "path", "credential", "status", "event", "facts"), REFUSALS, ids=IDS)
async def test_a_refusal_is_one_event_and_one_count(
    log: Log, method: str, path: str, credential: str | None, status: int, event: str, facts: dict[str, Any]
) -> None:
    before, credential = counted(event), token(credential) if credential in KEYS else credential
    assert await call(method, path, credential) == status
    [(name, fields)] = log.events
    assert (name, fields["address"], fields["status"]) == (event, "203.0.113.0/24", status)
    assert fields["route"] == ("/v1/lamps/{id}" if path.startswith("/v1/lamps/") else path)
    assert facts.items() <= fields.items()
    assert credential is None or credential not in str(fields)
    assert counted(event) == before + 1


async def test_accepted_requests_and_expired_sessions_emit_no_event(log: Log) -> None:
    assert await call("GET", "/v1/lamps/1", GOOD_KEY) == 200
    assert await call("GET", "/v1/lamps/1", token("portal-gateway")) == 200
    assert await call("GET", "/v1/lamps/401", GOOD_KEY) == 401
    assert await call("GET", "/v1/lamps/x", GOOD_KEY) == 422
    assert log.events == []


async def test_a_key_is_named_by_the_start_of_its_digest(log: Log) -> None:
    await call("GET", "/v1/lamps/1", BAD_KEY)
    [(_, fields)] = log.events
    assert fields["key_id"].startswith("key_")
    assert len(fields["key_id"]) == 20
