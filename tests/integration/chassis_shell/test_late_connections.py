"""Calls to a service that accepts a connection late."""

import asyncio
import socket
import time

from chassis.http.client import ServiceClient
from support.service import service_key, signer_of


async def test_a_service_that_connects_late_is_called() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await reader.read()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = await asyncio.start_server(answer, sock=listening)
        signer = signer_of(service_key("portal-gateway"))
        client = ServiceClient(f"http://127.0.0.1:{listening.getsockname()[1]}", "payments", signer)
        asking = asyncio.create_task(client.call("GET", "/v1/anything"))
        for _ in range(6):
            asyncio.get_running_loop().call_soon(time.sleep, 0.4)  # other work of the process
            await asyncio.sleep(0)
        assert (await asking).status_code == 200
        await client.close()
        server.close()
        await server.wait_closed()
