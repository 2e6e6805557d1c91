import asyncio
import json
import socket
import time

import httpx
import pytest
from joserfc.jwk import OKPKey

from chassis.http.client import ServiceClient
from chassis.http.problems import MEDIA_TYPE, Problem
from chassis.http.service_tokens import Signer

SIGNER = Signer("portal-gateway", json.dumps(OKPKey.generate_key("Ed25519", {"kid": "portal-gateway"}).as_dict(private=True)))


async def told(method: str, outcome: Exception | httpx.Response) -> tuple[int, str]:
    """What is said of a service with which asking fails like this."""

    async def failing(request: httpx.Request) -> httpx.Response:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

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


def problem(status: int, code: str) -> httpx.Response:
    body = Problem(status, code, "Something failed there").body()
    return httpx.Response(status, json=body, headers={"content-type": MEDIA_TYPE})


def of_a_mesh(status: int) -> httpx.Response:
    return httpx.Response(status, text="upstream connect error", headers={"content-type": "text/plain"})


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_command_that_failed_on_its_way_may_have_happened(status: int) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert await told(method, of_a_mesh(status)) == (504, "outcome_unknown")
    for method in ("GET", "HEAD"):
        assert await told(method, of_a_mesh(status)) == (503, "service_unavailable")


async def test_a_command_at_which_the_service_failed_may_have_happened() -> None:
    assert await told("PUT", problem(500, "internal_error")) == (504, "outcome_unknown")
    assert await told("GET", problem(500, "internal_error")) == (503, "service_unavailable")


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (503, "too_busy"), (504, "outcome_unknown")])
async def test_what_the_service_itself_says_of_a_command_is_passed_on(status: int, code: str) -> None:
    assert await told("DELETE", problem(status, code)) == (status, code)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_command_whose_token_was_refused_changed_nothing(status: int) -> None:
    assert await told("PUT", problem(status, "unauthenticated")) == (503, "service_unavailable")


async def test_a_service_that_a_busy_process_reaches_late_is_asked() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await reader.read()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = await asyncio.start_server(answer, sock=listening)
        client = ServiceClient(f"http://127.0.0.1:{listening.getsockname()[1]}", "payments", SIGNER)
        asking = asyncio.create_task(client.call("GET", "/v1/anything"))
        for _ in range(6):
            asyncio.get_running_loop().call_soon(time.sleep, 0.4)  # what else the process has to do
            await asyncio.sleep(0)
        assert (await asking).status_code == 200
        await client.close()
        server.close()
        await server.wait_closed()
