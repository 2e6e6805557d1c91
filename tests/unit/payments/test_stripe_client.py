"""Answers that are none of Stripe's, and errors: no answer ever becomes an outcome by mistake."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import stripe
from pydantic import SecretStr

from payments.adapters.stripe.account import StripeAccount, StripeMode
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.client import StripeApi, Transport
from payments.adapters.stripe.errors import Broken, Rejected
from payments.adapters.stripe.pace import Pace
from payments.application.charges import Busy, NoAnswer


class Answers(Transport):
    """A transport that answers every request in the same way."""

    def __init__(self, status: int, body: bytes) -> None:
        stripe.HTTPClient.__init__(self)  # without a connection pool
        self._answer = (body, status)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        return (*self._answer, {})


class Keys:
    """Stands for the table of idempotency keys."""

    def __init__(self) -> None:
        self.times = 0

    async def broken(self, merchant_id: UUID, mode: StripeMode, key: str) -> int:
        return self.times

    async def break_key(self, merchant_id: UUID, mode: StripeMode, key: str, times: int) -> None:
        self.times = times + 1


class NoAccounts:
    def __init__(self) -> None:
        self.rejections: list[int] = []

    async def for_merchant(self, merchant_id: UUID, mode: StripeMode | None = None) -> StripeAccount:
        raise NotImplementedError

    async def rejected(self, account: StripeAccount, status: int) -> None:
        self.rejections.append(status)


def api_that_gets(status: int, body: bytes) -> tuple[StripeApi, Keys, NoAccounts]:
    account = StripeAccount(uuid4(), "test", "pk_test_a", SecretStr("rk_test_a"))
    keys, accounts = Keys(), NoAccounts()
    api = StripeApi(
        account,
        accounts,
        cast(StripeBooks, keys),
        Answers(status, body),
        pace=Pace(1000, 100),
        base_url=None,
        timeout_seconds=30,
    )
    return api, keys, accounts


async def error_of(api: StripeApi) -> NoAnswer:
    with pytest.raises(NoAnswer) as error:
        await api.keyed(
            "a", lambda v1, options: v1.payment_intents.retrieve_async("pi_1", {}, options), expects={"card_error", "amount"}
        )
    return error.value


@pytest.mark.parametrize(
    "body",
    [
        *(b"[]", b"null", b'"text"', b"1", b"{}", b"", b"<html>", b"\xff\xfe", b'{"object":'),
        *(b'{"object":"payment_intent"}', b'{"object":"payment_intent","livemode":"false"}'),
        *(b'{"object":"payment_intent","livemode":true}', b'{"object":"list","data":[{"livemode":true}]}'),
    ],
)
async def test_an_answer_that_is_no_object_of_this_mode_is_no_answer(body: bytes) -> None:
    api, keys, _ = api_that_gets(200, body)
    error = await error_of(api)
    assert not isinstance(error, Rejected | Broken | Busy)
    assert keys.times == 0


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 402, 403, 404, 418, 500, 502, 503])
async def test_the_page_of_a_gateway_is_no_answer_of_stripe(status: int) -> None:
    api, keys, accounts = api_that_gets(status, b"<h1>Bad Gateway</h1>")
    error = await error_of(api)
    assert not isinstance(error, Rejected | Broken | Busy)
    assert (keys.times, accounts.rejections) == (0, [])


@pytest.mark.parametrize("body", [b'{"error":"text"}', b'{"error":[]}', b'{"error":null}', b"[1]"])
@pytest.mark.parametrize("status", [400, 402, 403, 500])
async def test_an_error_of_another_shape_is_no_answer(status: int, body: bytes) -> None:
    api, _, accounts = api_that_gets(status, body)
    assert not isinstance(await error_of(api), Rejected)
    assert accounts.rejections == []


@pytest.mark.parametrize(
    ("status", "error", "kind", "times"),
    [
        (429, b'{"type":"invalid_request_error","code":"rate_limit"}', Busy, 0),
        (400, b'{"type":"invalid_request_error","code":"rate_limit"}', Busy, 0),
        (409, b'{"type":"invalid_request_error","code":"lock_timeout"}', Busy, 0),
        (409, b'{"type":"idempotency_error","code":"idempotency_key_in_use"}', Busy, 0),
        (500, b'{"type":"api_error"}', Broken, 1),
        (503, b'{"type":"api_error"}', Broken, 1),
        (400, b'{"type":"idempotency_error"}', Broken, 1),
        (402, b'{"type":"card_error","code":"card_declined"}', Rejected, 0),
        (400, b'{"type":"invalid_request_error","param":"amount"}', Rejected, 0),
        (400, b'{"type":"invalid_request_error","code":["amount"]}', NoAnswer, 0),
        (404, b'{"type":"invalid_request_error","code":"resource_missing","param":"intent"}', NoAnswer, 0),
    ],
)
async def test_an_error_has_one_meaning(status: int, error: bytes, kind: type[NoAnswer], times: int) -> None:
    api, keys, _ = api_that_gets(status, b'{"error":%s}' % error)
    assert type(await error_of(api)) is kind
    assert keys.times == times


async def test_an_error_with_an_intent_of_the_other_mode_is_no_answer() -> None:
    api, _, _ = api_that_gets(402, b'{"error":{"type":"card_error","payment_intent":{"livemode":true}}}')
    assert not isinstance(await error_of(api), Rejected)


async def test_too_many_requests_are_postponed_without_being_sent() -> None:
    pace = Pace(per_second=0.1, burst=2)
    await pace.wait()
    await pace.wait()
    for _ in range(3):
        with pytest.raises(Busy):
            await pace.wait()
