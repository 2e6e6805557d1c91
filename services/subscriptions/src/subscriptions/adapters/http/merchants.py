"""Merchants and their API keys."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Annotated, Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, IdempotencyKey
from chassis.http.authentication import Caller, Merchant, Operator, Peer, Principal
from chassis.http.commands import CommandParam, KeyHeader, key_reused
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from chassis.tenants import Tenants
from subscriptions.adapters.http import merchant_documents as documents
from subscriptions.adapters.http.merchant_bodies import ChangedMerchant, NewMerchant
from subscriptions.adapters.http.parameters import MerchantId
from subscriptions.application.ports import Media, Prices
from subscriptions.application.pricing import is_too_large
from subscriptions.application.publication import merchant_document
from subscriptions.domain.invoice_series import series_of
from subscriptions.domain.merchant.commands import Command, IssueKey, Reconfigure, Register, RevokeKey
from subscriptions.domain.merchant.events import ApiKey, Event
from subscriptions.domain.merchant.merchant import Merchant as MerchantState
from subscriptions.domain.merchant.refusals import AlreadyRegistered
from subscriptions.domain.subscription.refusals import AmountTooLarge

Merchants = CommandHandler[Command, Event, MerchantState]


def routes(
    merchants: Merchants,
    tenants: Tenants,
    media: Media,
    prices: Prices,
    *,
    secrets: Callable[[], Sequence[str]],
    production: bool,
) -> APIRouter:
    """The first of the `secrets` derives credentials, so that a repeated registration returns the same ones. The others recognize
    the repetition of a request from before a rotation."""
    api = APIRouter(tags=["merchants"])

    @api.post("/v1/merchants", status_code=201)
    @answers(documents.Credentials)
    async def register(_: Operator, request: Request, body: NewMerchant, idempotency_key: KeyHeader = None) -> Response:
        """Register a merchant.

        The answer contains the merchant's first API key. A repetition under the same Idempotency-Key gets the same key.
        """
        sandbox = not production if body.sandbox is None else body.sandbox
        prefix = "sk_test_" if sandbox else "sk_live_"
        if body.branding.logo_media_id:
            raise unknown_media("/branding/logo_media_id")  # media are uploaded with the key that this call returns
        if idempotency_key:
            id, token = await known_or_new(idempotency_key, await request.body())
        else:
            id, token = uuid4(), random_token()
        api_key = prefix + token
        command = Register(
            body.profile(),
            body.invoice_series or series_of(body.name),
            sandbox,
            stored(api_key),
            datetime.now(UTC),
            body.clock_starts_at,
        )
        try:
            await merchants.handle(Context.beginning(id, "operator"), id, command)
        except AlreadyRegistered:
            registered = (await merchants.state(id, id))[1]
            if registered is None or registered.keys[0].sha256 != digest(api_key):
                raise key_reused() from None
        return JSONResponse({"id": str(id), "api_key": api_key}, 201)

    @api.get("/v1/merchants/{id}")
    @answers(documents.Merchant, security=({"merchant": ()}, {"service": ()}, {"operator": ()}))
    async def read(caller: Caller, id: MerchantId) -> dict[str, Any]:
        """Read a merchant's settings."""
        return merchant_document(id, await require_visible(caller, id))

    @api.patch("/v1/merchants/{id}")
    @answers(documents.Merchant, (422, "amount_too_large"), security=({"merchant": ()}, {"operator": ()}))
    async def change(caller: Caller, id: MerchantId, body: ChangedMerchant) -> dict[str, Any]:
        """Change a merchant's settings: an absent field stays as it is."""
        if caller.kind not in ("merchant", "operator"):
            raise Problem(403, "forbidden", "This credential may not do this")
        await require_visible(caller, id)
        logo = body.branding.logo_media_id if body.branding else None
        if logo and not await media.has(id, logo):
            raise unknown_media("/branding/logo_media_id")
        if body.tax and is_too_large(await prices.largest(id), body.tax.shape()):
            raise AmountTooLarge
        context = Context.beginning(id, caller.subject)
        handled = await merchants.handle(context, id, Reconfigure(body.patch(), await tenants.now(id)))
        assert handled.outcome, "not refused"
        return merchant_document(id, handled.outcome.state)

    @api.get("/v1/keys/{sha256}")
    @answers(documents.Merchant)
    async def key(
        _: Peer, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the key, in hex.")]
    ) -> dict[str, Any]:
        """Find the merchant of an API key."""
        tenant = await tenants.by_digest(sha256)
        if tenant is None:
            raise not_found()
        return {**tenant.doc, "id": str(tenant.id)}

    @api.get("/v1/keys")
    @answers(documents.KeyPage)
    async def keys(caller: Merchant) -> dict[str, Any]:
        """List the merchant's API keys, without their secrets."""
        _, merchant = await merchants.state(caller.merchant_id, caller.merchant_id)
        listed = merchant.keys if merchant else ()
        items = [
            {"id": key.id, "scopes": list(key.scopes), "revoked": key.revoked, "current": key.id == caller.name} for key in listed
        ]
        return {"items": items, "next_cursor": None}

    @api.post("/v1/keys", status_code=201)
    @answers(documents.Credentials, (409, "too_many_keys"), (409, "key_cannot_be_shown"))
    async def issue(request: CommandParam, caller: Merchant) -> Response:
        """Issue a further API key.

        The key is shown in this answer, and again to a repetition under the same Idempotency-Key. It is stored nowhere. A
        merchant has 20 keys at most.
        """
        _, merchant = await merchants.state(caller.merchant_id, caller.merchant_id)
        prefix = "sk_test_" if merchant and merchant.sandbox else "sk_live_"
        tokens = [derived_key(secret, request.key) for secret in secrets()] if request.key else [random_token()]
        api_keys = {stored(prefix + token).id: prefix + token for token in tokens}
        issued = stored(prefix + tokens[0])
        command = IssueKey(issued, await tenants.now(caller.merchant_id))
        answer = await request.handle(merchants, caller.merchant_id, command, answer=lambda _: Answer(201, {"id": issued.id}))
        if answer.status_code != 201:
            return answer
        id = json.loads(bytes(answer.body))["id"]
        if id not in api_keys:
            raise Problem(409, "key_cannot_be_shown", "The key was issued, and cannot be shown again: revoke it")
        return JSONResponse({"id": id, "api_key": api_keys[id]}, 201)

    @api.delete("/v1/keys/{id}", status_code=204)
    @answers(None, (409, "last_key"))
    async def revoke(
        request: CommandParam, _: Merchant, id: Annotated[str, Path(pattern="^key_[0-9a-f]{16}$", description="The key's id.")]
    ) -> Response:
        """Revoke an API key.

        It is refused within seconds in all services. The last key cannot be revoked.
        """
        merchant_id = request.principal.merchant_id
        command = RevokeKey(id, await tenants.now(merchant_id))
        return await request.handle(merchants, merchant_id, command, answer=lambda _: Answer(204, {}))

    async def known_or_new(key: str, body: bytes) -> tuple[UUID, str]:
        """Id and token under an idempotency key: of the merchant that it has registered already, or of a new one."""
        newest, *older = [derived(secret, key, body) for secret in secrets()]
        for id, token in older:
            if (await merchants.state(id, id))[1] is not None:
                return id, token
        return newest

    async def require_visible(caller: Principal, id: UUID) -> MerchantState:
        foreign = caller.kind == "merchant" and caller.merchant_id != id
        _, merchant = await merchants.state(id, id)
        if merchant is None or foreign or caller.kind == "customer":
            raise not_found()
        return merchant

    return api


def unknown_media(pointer: str) -> Problem:
    errors = [{"pointer": pointer, "code": "unknown_media", "detail": "was never uploaded by this merchant"}]
    return Problem(422, "invalid_request", "The request is invalid", errors=errors)


def stored(api_key: str) -> ApiKey:
    """The stored form of a key. Its id is the start of its digest."""
    sha256 = digest(api_key)
    return ApiKey(f"key_{sha256[:16]}", sha256)


def digest(api_key: str) -> str:
    return hashlib.sha256(api_key.encode()).hexdigest()


def random_token() -> str:
    return token_urlsafe(32)


def derived_key(secret: str, key: IdempotencyKey) -> str:
    """The token of an API key that is issued under an idempotency key. A repetition derives it again, so it is not stored."""
    name = "\0".join(("key", str(key.merchant_id), key.subject, key.key, key.fingerprint))
    return urlsafe_b64encode(hmac.digest(secret.encode(), name.encode(), "sha256")).rstrip(b"=").decode()


def derived(secret: str, key: str, body: bytes) -> tuple[UUID, str]:
    """Id and token of a merchant that is registered under an idempotency key. A repetition derives them again."""
    mac = hmac.digest(secret.encode(), b"merchant\0" + key.encode() + b"\0" + hashlib.sha256(body).digest(), "sha256")
    return uuid5(NAMESPACE_OID, f"{secret}/{key}"), urlsafe_b64encode(mac).rstrip(b"=").decode()
