import json

import httpx
import pytest
from joserfc.jwk import OKPKey

from chassis.http.client import ServiceClient
from chassis.http.problems import Problem
from chassis.http.tokens import Signer

SIGNER = Signer("portal-gateway", json.dumps(OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"}).as_dict(private=True)))


async def told(method: str, error: Exception) -> tuple[int, str]:
    """What is said of a service with which asking fails like this."""

    async def failing(request: httpx.Request) -> httpx.Response:
        raise error

    client = ServiceClient("http://payments", "payments", SIGNER)
    await client.close()
    client.http = httpx.AsyncClient(transport=httpx.MockTransport(failing), base_url="http://payments")
    with pytest.raises(Problem) as raised:
        await client.call(method, "/v1/anything", json={})
    await client.close()
    return raised.value.status, raised.value.code


@pytest.mark.parametrize("error", [httpx.ConnectError(""), httpx.ConnectTimeout(""), httpx.PoolTimeout("")], ids=type)
async def test_a_command_that_never_left_changed_nothing(error: Exception) -> None:
    assert await told("PUT", error) == (503, "service_unavailable")


@pytest.mark.parametrize("error", [httpx.ReadTimeout(""), httpx.ReadError(""), httpx.RemoteProtocolError("")], ids=type)
async def test_a_command_whose_answer_never_came_may_have_happened(error: Exception) -> None:
    assert await told("PUT", error) == (504, "outcome_unknown")
    assert await told("POST", error) == (504, "outcome_unknown")
    assert await told("GET", error) == (503, "service_unavailable")
