"""The HTTP client for other services."""

import ssl
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx

from chassis.http.problems import CHANGES_NOTHING, MEDIA_TYPE, Problem, outcome_unknown, unavailable
from chassis.http.service_tokens import Signer
from chassis.request_ids import HEADER
from chassis.runtime.outages import outages
from chassis.runtime.telemetry import outgoing
from chassis.scope import note_change, request_id
from chassis.tls import system_context

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class ServiceClient:
    """Calls one service, with a new token for each call.

    Raises the problem of a 4xx or 5xx response as a Problem. Raises Problem 503 `service_unavailable` if the service cannot
    be reached, and Problem 504 `outcome_unknown` if a command fails or gets no response after it may have been received.

    `timeout`, in seconds, also limits the time to connect. One second is too short: TCP resends a lost first packet only after
    a second, and a busy process may accept a connection later than that. `tls` checks the service's certificate; without it, the
    authorities of the system are trusted.
    """

    def __init__(
        self, base_url: str, audience: str, signer: Signer, *, timeout: float = 5, tls: ssl.SSLContext | None = None
    ) -> None:
        self._audience, self._signer = audience, signer
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
        self.http = httpx.AsyncClient(
            base_url=base_url, timeout=timeout, trust_env=False, limits=limits, verify=tls or system_context()
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        merchant_id: UUID | None = None,
        customer_id: UUID | None = None,
        session: str | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        request = self.request(
            method, path, merchant_id=merchant_id, customer_id=customer_id, session=session, json=json, params=params
        )
        if idempotency_key:
            request.headers["idempotency-key"] = idempotency_key
        try:
            response = await self.http.send(request)
        except httpx.TransportError as error:
            outages.failed(error, self._audience)
            nothing_changed = method in CHANGES_NOTHING or isinstance(error, _NEVER_SENT)
            raise (unavailable() if nothing_changed else outcome_unknown()) from None
        outages.worked(self._audience)
        if response.is_error:
            raise problem_of_response(response)
        if method not in CHANGES_NOTHING:
            note_change()
        return response

    def request(
        self,
        method: str,
        path: str,
        *,
        merchant_id: UUID | None = None,
        customer_id: UUID | None = None,
        session: str | None = None,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> httpx.Request:
        """The authenticated request, for callers that stream the response with `http.send(…, stream=True)`."""
        token = self._signer.token(self._audience, merchant_id=merchant_id, customer_id=customer_id, session=session)
        headers = {"authorization": f"Bearer {token}", **outgoing()}
        if (id := request_id()) is not None:
            headers[HEADER] = id
        present = {name: value for name, value in (params or {}).items() if value is not None}
        return self.http.build_request(method, path, json=json, params=present, headers=headers)

    async def close(self) -> None:
        await self.http.aclose()


def problem_of_response(response: httpx.Response) -> Problem:
    """The problem in another service's response, to be passed on to our caller."""
    is_problem = response.headers.get("content-type", "").startswith(MEDIA_TYPE)
    if not is_problem or response.status_code in (401, 403, 500):
        # A proxy may have lost only the response, and an error may have occurred after the commit.
        nothing_changed = response.request.method in CHANGES_NOTHING or response.status_code < 500
        return unavailable() if nothing_changed else outcome_unknown()
    body: dict[str, Any] = response.json()
    known = {"type", "title", "status", "code", "detail", "errors"}
    more = {name: value for name, value in body.items() if name not in known}
    headers = {name: response.headers[name] for name in ("retry-after",) if name in response.headers}
    return Problem(
        response.status_code,
        body["code"],
        body["title"],
        body.get("detail"),
        errors=body.get("errors", ()),
        headers=headers,
        more=more,
    )
