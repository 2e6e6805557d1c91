"""`POST /webhooks/stripe/{endpoint}` on the card page's listener: checks a webhook's signature and takes in its event."""

import json
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import Counter

from chassis.http.problems import Problem, not_found
from payments.adapters.stripe.accounts import PostgresStripeAccounts, StoredAccount
from payments.adapters.stripe.events import EventIntake, MalformedEvent, WrongMode, read_event
from payments.adapters.stripe.signatures import BadSignature, check

PATH: Final = "/webhooks/stripe"
MAX_BYTES: Final = 256 * 1024
OUTCOMES: Final = (
    *("new", "known", "other_type"),
    *("unsigned", "out_of_time", "forged", "malformed", "wrong_mode", "unknown_endpoint"),
)
WEBHOOKS = Counter("provider_webhooks", "Webhooks of the provider by their outcome", ["outcome"])
for _outcome in OUTCOMES:
    WEBHOOKS.labels(_outcome)  # exported as 0 from the start

log = structlog.get_logger()


def routes(accounts: PostgresStripeAccounts, intake: EventIntake, now: Callable[[], float] = time.time) -> APIRouter:
    """`now`: the time in Unix seconds."""
    api = APIRouter(prefix=PATH)

    async def account_at(endpoint: str) -> StoredAccount | None:
        try:
            return await accounts.at_endpoint(UUID(endpoint))
        except ValueError:
            return None

    @api.post("/{endpoint}", include_in_schema=False)
    async def webhook(endpoint: str, request: Request) -> Response:
        """200 for an event that is taken in, known, or of another type. 400 stores nothing. 404 for an unknown endpoint."""
        body = await request.body()
        stored = await account_at(endpoint)
        if stored is None:
            WEBHOOKS.labels("unknown_endpoint").inc()
            raise not_found()
        account = stored.account
        try:
            check(body, request.headers.get("stripe-signature"), stored.hook_secrets, now())
            outcome = await intake.take_in(account.merchant_id, account.mode, read_event(_parsed(body)))
        except BadSignature as bad:
            raise refused(str(bad), account.merchant_id) from None
        except MalformedEvent:
            raise refused("malformed", account.merchant_id) from None
        except WrongMode:
            raise refused("wrong_mode", account.merchant_id) from None
        WEBHOOKS.labels(outcome).inc()
        return Response(status_code=200)

    return api


def refused(outcome: str, merchant_id: UUID) -> Problem:
    WEBHOOKS.labels(outcome).inc()
    log.warning("stripe.webhook_refused", merchant=str(merchant_id), reason=outcome)
    return Problem(400, "webhook_refused", "The webhook is not accepted", outcome)


def _parsed(body: bytes) -> Any:
    """Raises MalformedEvent."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedEvent from None
