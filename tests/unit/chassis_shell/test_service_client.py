"""Calls to another service, and the outcome of failed ones."""

import json
import ssl

import httpx
import pytest
from joserfc.jwk import OKPKey

from chassis.http.client import ServiceClient
from chassis.http.problems import MEDIA_TYPE, Problem
from chassis.http.service_tokens import Signer

NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SIGNER = Signer("portal-gateway", json.dumps(OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"}).as_dict(private=True)))


async def outcome_of(method: str, outcome: Exception | httpx.Response) -> tuple[int, str]:
    """Status and code of the problem after a call with this outcome."""

    async def failing(request: httpx.Request) -> httpx.Response:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    client = ServiceClient("http://payments", "payments", SIGNER, tls=NO_AUTHORITIES)
    await client.close()
    client.http = httpx.AsyncClient(transport=httpx.MockTransport(failing), base_url="http://payments")
    with pytest.raises(Problem) as raised:
        await client.call(method, "/v1/anything", json={})
    await client.close()
    return raised.value.status, raised.value.code


@pytest.mark.parametrize("error", [httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.PoolTimeout("")], ids=type)
async def test_a_command_that_was_not_sent_changed_nothing(error: Exception) -> None:
    assert await outcome_of("PUT", error) == (503, "service_unavailable")


@pytest.mark.parametrize("error", [httpx.ReadTimeout(""), httpx.ReadError(""), httpx.RemoteProtocolError("")], ids=type)
async def test_a_command_without_response_has_an_unknown_outcome(error: Exception) -> None:
    assert await outcome_of("PUT", error) == (504, "outcome_unknown")
    assert await outcome_of("POST", error) == (504, "outcome_unknown")
    assert await outcome_of("GET", error) == (503, "service_unavailable")


def problem(status: int, code: str) -> httpx.Response:
    body = Problem(status, code, "Something failed there").body()
    return httpx.Response(status, json=body, headers={"content-type": MEDIA_TYPE})


def of_a_mesh(status: int) -> httpx.Response:
    return httpx.Response(status, text="upstream connect error", headers={"content-type": "text/plain"})


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_command_that_failed_in_transit_has_an_unknown_outcome(status: int) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert await outcome_of(method, of_a_mesh(status)) == (504, "outcome_unknown")
    for method in ("GET", "HEAD"):
        assert await outcome_of(method, of_a_mesh(status)) == (503, "service_unavailable")


async def test_a_command_that_failed_in_the_service_has_an_unknown_outcome() -> None:
    assert await outcome_of("PUT", problem(500, "internal_error")) == (504, "outcome_unknown")
    assert await outcome_of("GET", problem(500, "internal_error")) == (503, "service_unavailable")


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (503, "too_busy"), (504, "outcome_unknown")])
async def test_the_problem_of_a_command_is_passed_on(status: int, code: str) -> None:
    assert await outcome_of("DELETE", problem(status, code)) == (status, code)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_command_with_a_refused_token_changed_nothing(status: int) -> None:
    assert await outcome_of("PUT", problem(status, "unauthenticated")) == (503, "service_unavailable")
