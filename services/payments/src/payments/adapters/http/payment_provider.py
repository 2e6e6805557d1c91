"""Connect, show and disconnect a merchant's own account at the payment provider."""

from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from chassis.http.authentication import Merchant
from chassis.http.bodies import StrictBody
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from payments.adapters.http import documents
from payments.application.charges import NoAnswer, NoProvider
from payments.application.provider_accounts import (
    AccountMode,
    AccountsDisabled,
    AnotherAccount,
    ChargesRunning,
    KeyRefused,
    MethodsInUse,
    MovedClock,
    NewAccount,
    OtherMode,
)
from payments.application.provider_ports import CurrentProvider, ProviderAccounts

HOOK_SECRETS_MAX: Final = 2
"""A new secret is added before the old one is removed."""
PublishableKey = Annotated[str, StringConstraints(strict=True, pattern=r"^pk_(test|live)_[A-Za-z0-9]{8,240}$")]
RestrictedKey = Annotated[str, StringConstraints(strict=True, pattern=r"^rk_(test|live)_[A-Za-z0-9]{8,240}$")]
WebhookSecret = Annotated[str, StringConstraints(strict=True, pattern=r"^whsec_[A-Za-z0-9+/=_-]{16,240}$")]


class ProviderKeys(StrictBody):
    """The keys of a merchant's own Stripe account. They replace those that were connected before."""

    publishable_key: PublishableKey
    """The account's publishable key: `pk_test_…` or `pk_live_…`."""
    restricted_key: Annotated[RestrictedKey, Field(repr=False)]
    """A restricted key of the same account and mode: `rk_test_…` or `rk_live_…`."""
    webhook_secrets: Annotated[tuple[WebhookSecret, ...], Field(max_length=HOOK_SECRETS_MAX, repr=False)] = ()
    """Signing secrets of the webhook endpoint, `whsec_…`: one, or both while it is replaced. None: no webhook is accepted."""


def routes(accounts: ProviderAccounts, provider_of: CurrentProvider, *, webhooks_url: str) -> APIRouter:
    """`webhooks_url`: the address of the webhooks, without the endpoint's id."""
    api = APIRouter(prefix="/v1/payment-provider")

    @api.get("")
    @answers(documents.PaymentProvider)
    async def show(caller: Merchant) -> dict[str, Any]:
        """Show the payment provider of the merchant's new cards, without its secret keys."""
        account = await accounts.connected(caller.merchant_id)
        try:
            provider = await provider_of(caller.merchant_id)
        except NoProvider:
            provider = None
        return {
            "provider": provider,
            "mode": account and account.mode,
            "state": account and account.state,
            "publishable_key": account and account.publishable_key,
            "key_last4": account and account.key_last4,
            "endpoint_id": account and account.endpoint,
            "webhook_url": account and f"{webhooks_url}/{account.endpoint}",
            "webhook_secrets": account.hook_secrets if account else 0,
            "connected_at": account and account.connected_at,
            "refused_at": account and account.refused_at,
        }

    @api.put("", status_code=204)
    @answers(
        None,
        (409, "accounts_disabled"),
        (409, "another_account"),
        (409, "test_clock"),
        (422, "key_refused"),
        (422, "wrong_mode"),
    )
    async def connect(body: ProviderKeys, caller: Merchant) -> Response:
        """Connect the merchant's own Stripe account, after a test of its keys.

        New cards are saved in it from then on. Cards that were saved before stay where they are. A sandbox merchant connects keys
        of test mode, any other merchant keys of live mode. A repeated call replaces the keys and webhook secrets. The address of
        the webhooks stays.
        """
        tenant = caller.tenant
        assert tenant is not None, "an API key belongs to a merchant"
        mode: AccountMode = "test" if tenant.sandbox else "live"
        new = NewAccount(
            tenant.id, mode, body.publishable_key, body.restricted_key, body.webhook_secrets, moved_clock=bool(tenant.offset)
        )
        try:
            await accounts.connect(new)
        except OtherMode:
            title = f"This merchant connects keys of {mode} mode: pk_{mode}_… and rk_{mode}_…"
            raise Problem(422, "wrong_mode", title) from None
        except MovedClock:
            raise Problem(409, "test_clock", "A merchant with a test clock keeps the sandbox") from None
        except KeyRefused as refused:
            raise Problem(422, "key_refused", "Stripe refuses the key", str(refused)) from None
        except AnotherAccount:
            raise Problem(409, "another_account", "Cards of this merchant are in another Stripe account") from None
        except AccountsDisabled:
            title = "This deployment stores no accounts: its operator has not set KEY_ENCRYPTION_KEY for payments"
            raise Problem(409, "accounts_disabled", title) from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "Stripe does not answer; nothing was changed") from None
        return Response(status_code=204)

    @api.delete("", status_code=204)
    @answers(None, (404, "not_found"), (409, "charges_running"), (409, "methods_in_use"))
    async def disconnect(caller: Merchant) -> Response:
        """Disconnect the merchant's account, and delete its keys.

        Refused while charges of the account have no outcome or are to be refunded, and while one of its cards is the default of a
        customer with a subscription. Its other cards can no longer be charged.
        """
        try:
            if not await accounts.disconnect(caller.merchant_id):
                raise not_found()
        except ChargesRunning:
            raise Problem(409, "charges_running", "Charges of this account have no outcome, or are to be refunded") from None
        except MethodsInUse:
            raise Problem(409, "methods_in_use", "Subscriptions are paid with cards of this account") from None
        return Response(status_code=204)

    return api
