"""Requests to one Stripe account. The only module that uses Stripe's library and knows its exceptions.

It loads the library, which takes about 0.4 s of processor time: `connections` imports it when the first account is used.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx
import stripe
import structlog

from payments.adapters.stripe.account import API_VERSION, StripeAccount, StripeAccounts
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.errors import Broken, Rejected
from payments.adapters.stripe.pace import Pace
from payments.application.charges import Busy, NoAnswer

if TYPE_CHECKING:
    from stripe._request_options import RequestOptions
    from stripe._v1_services import V1Services

    Request: TypeAlias = Callable[[V1Services, RequestOptions], Awaitable[stripe.StripeObject]]

log = structlog.get_logger()

_WITHOUT_MODE = frozenset({"list", "refund", "search_result"})
"""Objects of the API that do not say whether they are live."""

_authorities = functools.cache(httpx.create_ssl_context)
"""One for the process: reading the authorities takes 25 ms of processor time."""

stripe.enable_telemetry = False


class Transport(stripe.HTTPClient):
    """The library's requests over one connection pool for all accounts. It neither retries nor limits the time."""

    name = "httpx"

    def __init__(self) -> None:
        super().__init__()
        self._http = httpx.AsyncClient(timeout=None, verify=_authorities())

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._http.request(method, url, headers=headers, content=post_data)
        except httpx.HTTPError as error:
            raise stripe.APIConnectionError(type(error).__name__) from error  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

    async def close_async(self) -> None:
        await self._http.aclose()


class StripeApi:
    def __init__(
        self,
        account: StripeAccount,
        accounts: StripeAccounts,
        books: StripeBooks,
        transport: Transport,
        *,
        pace: Pace,
        base_url: str | None,
        timeout_seconds: float,
    ) -> None:
        self.account = account
        self._accounts, self._books, self._pace, self._timeout_seconds = accounts, books, pace, timeout_seconds
        self._v1 = stripe.StripeClient(
            account.key.get_secret_value(),
            stripe_account=account.account_id,
            stripe_version=API_VERSION,
            base_addresses={"api": base_url} if base_url else {},
            max_network_retries=0,
            http_client=transport,
        ).v1

    async def ask(self, request: "Request", *, expects: Collection[str] = ()) -> dict[str, Any]:
        """The object that Stripe answers.

        Raises NoAnswer; Busy if Stripe did nothing; Broken after an error of Stripe's; Rejected for an error object with one
        of the expected types, codes or parameters. Other rejections are this service's mistakes: they are logged, and NoAnswer.
        """
        return await self._ask(request, {}, expects)

    async def keyed(self, key: str, request: "Request", *, expects: Collection[str] = ()) -> dict[str, Any]:
        """`ask` with an idempotency key, which changes after Broken.

        Only for requests that may be carried out twice without harm, or that are looked up before they are repeated.
        """
        merchant_id, mode = self.account.merchant_id, self.account.mode
        times = await self._books.broken(merchant_id, mode, key)
        full = f"{merchant_id}:{key}:{times}" if times else f"{merchant_id}:{key}"
        try:
            return await self._ask(request, {"idempotency_key": full}, expects)
        except Broken:
            await self.abandon_key(key, times)
            raise

    async def abandon_key(self, key: str, times: int | None = None) -> None:
        """Use another key next time, unless another worker has changed it since it was read as `times`."""
        merchant_id, mode = self.account.merchant_id, self.account.mode
        if times is None:
            times = await self._books.broken(merchant_id, mode, key)
        await self._books.break_key(merchant_id, mode, key, times)

    async def _ask(self, request: "Request", options: "RequestOptions", expects: Collection[str]) -> dict[str, Any]:
        await self._pace.wait()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await request(self._v1, options)
        except TimeoutError as error:
            raise NoAnswer("timeout") from error
        except stripe.StripeError as error:
            raise await self._meaning(error, expects) from None
        except (AttributeError, TypeError, ValueError) as error:
            # JSON of another shape than an object: the library fails while it reads it.
            log.warning("stripe.unreadable_answer", error=type(error).__name__, reason=str(error))
            raise NoAnswer("no object") from error
        if not isinstance(answer, stripe.StripeObject):
            raise NoAnswer("no object")
        body = answer.to_dict()
        self._check_mode(body)
        if body.get("object") not in _WITHOUT_MODE and not isinstance(body.get("livemode"), bool):
            raise NoAnswer("no object")
        return body

    async def _meaning(self, error: stripe.StripeError, expects: Collection[str]) -> NoAnswer:
        status, body = error.http_status or 0, error.json_body
        details = body.get("error") if isinstance(body, dict) else None
        if status in (409, 429) or isinstance(error, stripe.RateLimitError):
            return Busy(str(status))
        if not isinstance(details, dict):
            # A gateway in between, or no connection. Stripe remembers no answer of its own, so the key stays.
            return NoAnswer(f"{type(error).__name__} {status}")
        self._check_mode(details)
        if status >= 500:
            return Broken(str(status))
        if any(details.get(name) in expects for name in ("type", "code", "param") if isinstance(details.get(name), str)):
            return Rejected(details)
        facts = {name: details.get(name) for name in ("type", "code", "param", "message")}
        log.error("stripe.request_rejected", status=status, mode=self.account.mode, stripe_request=error.request_id, **facts)
        if status in (401, 403):
            await self._accounts.rejected(self.account, status)
            return Busy(str(status))
        return Broken(str(status)) if details.get("type") == "idempotency_error" else NoAnswer(str(status))

    def _check_mode(self, body: Mapping[str, Any]) -> None:
        """Raises NoAnswer if a part of the answer belongs to the other mode."""
        if any(live is not (self.account.mode == "live") for live in _modes(body)):
            log.error("stripe.wrong_mode", mode=self.account.mode, object=body.get("object"))
            raise NoAnswer("wrong mode")


def _modes(value: object) -> Iterator[bool]:
    match value:
        case {**fields}:
            live = fields.get("livemode")
            if isinstance(live, bool):
                yield live
            for each in fields.values():
                yield from _modes(each)
        case [*items]:
            for each in items:
                yield from _modes(each)
