"""The HTTP client of the tests."""

from typing import Any

import httpx

from chassis.tls import system_context


def http_client(**options: Any) -> httpx.AsyncClient:
    """Without proxies of the environment, and with the same authorities as the others: each client of httpx reads its own, which
    takes 25 ms of processor time."""
    return httpx.AsyncClient(trust_env=False, verify=system_context(), **options)
