"""Reads an account's payment intents and refunds from Stripe, page by page. It sends GET requests only.

It does not use the client of payments, so that a fault of that client does not hide itself.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeAlias

import httpx

from payments.adapters.stripe.account import API_VERSION, StripeAccount

STRIPE = "https://api.stripe.com"
PAGE = 100
_SECONDS = 30.0
_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.5

Kind: TypeAlias = Literal["payment_intents", "refunds"]
Page: TypeAlias = list[dict[str, Any]]


class NotReadable(Exception):
    """Stripe does not answer, refuses the key, or answers for the other mode. The text names the reason."""


class StripeLists:
    def __init__(self, http: httpx.AsyncClient, account: StripeAccount) -> None:
        self._http, self._live = http, account.mode == "live"

    async def pages(self, kind: Kind, since: int, until: int) -> AsyncIterator[Page]:
        """Objects that were created from `since` to `until`, in seconds since 1970; the newest first. Raises NotReadable."""
        window = {"created[gte]": str(since), "created[lte]": str(until), "limit": str(PAGE)}
        after: dict[str, str] = {}
        while True:
            page = await self._get(f"/v1/{kind}", window | after)
            if page is None:
                raise NotReadable("404")
            items: Page = page["data"]
            yield items
            if not page["has_more"] or not items:
                return
            after = {"starting_after": items[-1]["id"]}

    async def read(self, kind: Kind, id: str) -> dict[str, Any] | None:
        """None if the account has no such object. Raises NotReadable."""
        return await self._get(f"/v1/{kind}/{id}", {})

    async def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        problem = ""
        for number in range(_TRIES):
            if number:
                await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2 ** (number - 1))
            try:
                answer = await self._http.get(path, params=dict(query))
                body = answer.json()
            except (httpx.HTTPError, ValueError) as error:
                problem = type(error).__name__
                continue
            if answer.status_code == 200 and isinstance(body, dict):
                self._require_mode(body)
                return body
            if answer.status_code == 404:
                return None
            problem = str(answer.status_code)
            if answer.status_code not in (409, 429) and answer.status_code < 500:
                break
        raise NotReadable(problem)

    def _require_mode(self, body: Mapping[str, Any]) -> None:
        """Refunds do not state their mode."""
        objects = body["data"] if body.get("object") == "list" else [body]
        if any(each.get("livemode", self._live) is not self._live for each in objects):
            raise NotReadable("an answer for the other mode")


@asynccontextmanager
async def lists_of(account: StripeAccount, base_url: str) -> AsyncIterator[StripeLists]:
    headers = {"Authorization": f"Bearer {account.key.get_secret_value()}", "Stripe-Version": API_VERSION}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, timeout=_SECONDS) as http:
        yield StripeLists(http, account)
