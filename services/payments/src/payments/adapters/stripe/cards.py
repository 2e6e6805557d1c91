"""Cards: Stripe's own fields read them, in the browser, for a set-up intent of this service."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from payments.adapters.stripe.books import StripeBooks, StripeMethod, StripeSetup, method_id_of
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.declines import refusal
from payments.adapters.stripe.errors import Rejected
from payments.adapters.stripe.known_methods import known_method
from payments.application.card_setup import ProviderFields
from payments.application.charges import NoAnswer, SetupRefused, UnknownToken
from payments.domain.shapes import Brand, Method

if TYPE_CHECKING:
    from stripe.params import CustomerModifyParams

    from payments.adapters.stripe.client import StripeApi

_REFERENCE = re.compile(r"pm_\w{1,100}", re.ASCII)
_REQUEST = frozenset({"invalid_request_error"})
_MISSING = frozenset({"resource_missing"})


class StripeCards:
    def __init__(self, connections: StripeConnections, books: StripeBooks) -> None:
        self._connections, self._books = connections, books

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> ProviderFields:
        setup, intent = await self._books.setup(merchant_id, setup_id), None
        if setup is None:
            setup, intent = await self._begin(await self._connections.of(merchant_id), customer_id, setup_id)
        if setup.customer_id != customer_id:
            raise LookupError(f"set-up {setup_id} belongs to another customer")
        api = await self._connections.of(merchant_id, setup.mode)
        if intent is None or intent["id"] != setup.reference:
            intent = await _read(api, setup.reference)
        return ProviderFields(intent["client_secret"], api.account.publishable_key)

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        """`token` is the set-up intent's own id: the browser cannot choose another card than the one that Stripe read."""
        setup = await self._books.setup(merchant_id, setup_id)
        if setup is None or (setup.customer_id, setup.reference) != (customer_id, token):
            raise UnknownToken
        api = await self._connections.of(merchant_id, setup.mode)
        intent = await _read(api, setup.reference)
        if intent["status"] != "succeeded":
            if error := intent.get("last_setup_error"):
                raise SetupRefused(refusal(error).code)
            raise UnknownToken
        card = intent.get("payment_method")
        if intent.get("customer") != setup.customer or intent["metadata"].get("setup_id") != str(setup_id):
            raise UnknownToken
        return await self._stored(api, customer_id, setup.customer, card)

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str) -> Method:
        """`token` is a payment method that the merchant's own back end has created in the account: `pm_…`"""
        if not _REFERENCE.fullmatch(token):
            raise UnknownToken
        api = await self._connections.of(merchant_id)
        customer = await self._customer(api, customer_id)
        try:
            card = await api.ask(
                lambda v1, options: v1.payment_methods.attach_async(token, {"customer": customer}, options),
                expects=_REQUEST | {"card_error"},
            )
        except Rejected as rejected:
            if rejected.is_missing("customer"):
                await self._replace_customer(api, customer_id, customer)
                raise NoAnswer("customer replaced") from None
            # A repetition after a lost answer is refused, because the method is attached.
            card = await self._method(api, token)
        return await self._stored(api, customer_id, customer, card)

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        """`token`: `pm_…`. An import creates customers of its own at Stripe: one that no other customer here has is accepted."""
        if not _REFERENCE.fullmatch(token):
            raise UnknownToken
        api = await self._connections.of(merchant_id)
        card = await _read_card(api, token)
        if card is None or card.get("type") != "card":
            raise UnknownToken
        owner, mode = card.get("customer"), api.account.mode
        if owner is not None and await self._books.others_with(merchant_id, mode, owner, customer_id):
            raise UnknownToken
        if not keep:
            return _method(method_id_of(merchant_id, token), card)
        if owner is None:
            return await self.attach(merchant_id, customer_id, token)
        name: CustomerModifyParams = {"metadata": {"customer_id": str(customer_id)}}
        await api.ask(lambda v1, options: v1.customers.update_async(owner, name, options))
        await self._books.store_customer(merchant_id, mode, customer_id, owner)
        return await self._stored(api, customer_id, owner, card)

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        method = await known_method(self._connections, self._books, merchant_id, customer_id, method_id)
        if method is None or method.forgotten:
            return None
        card = await _read_card(await self._connections.of(merchant_id, method.mode), method.reference)
        return _method(method_id, card) if card and card.get("customer") == method.customer else None

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        method = await self._books.method(merchant_id, method_id)
        if method is None or method.customer_id != customer_id:
            return
        # Stored first: from now on it is not charged, whether or not Stripe answers.
        await self._books.forget_method(merchant_id, method_id)
        api = await self._connections.of(merchant_id, method.mode)
        try:
            await api.ask(lambda v1, options: v1.payment_methods.detach_async(method.reference, {}, options), expects=_REQUEST)
        except Rejected:
            return  # It was detached before.

    async def _begin(self, api: "StripeApi", customer_id: UUID, setup_id: UUID) -> tuple[StripeSetup, dict[str, Any]]:
        """The stored set-up, and an intent that was created for it. Another worker's may be the stored one."""
        customer = await self._customer(api, customer_id)
        try:
            intent = await api.keyed(
                f"setup:{setup_id}",
                lambda v1, options: v1.setup_intents.create_async(
                    {
                        "customer": customer,
                        "usage": "off_session",
                        "payment_method_types": ["card"],
                        "metadata": {"setup_id": str(setup_id)},
                    },
                    options,
                ),
                expects={"customer"},
            )
        except Rejected as rejected:
            if not rejected.is_missing("customer"):
                raise
            await self._replace_customer(api, customer_id, customer)
            raise NoAnswer("customer replaced") from None
        setup = StripeSetup(customer_id, api.account.mode, customer, intent["id"])
        return await self._books.store_setup(api.account.merchant_id, setup_id, setup), intent

    async def _customer(self, api: "StripeApi", customer_id: UUID) -> str:
        """The customer's object at Stripe, which holds no name and no address."""
        merchant_id, mode = api.account.merchant_id, api.account.mode
        known = await self._books.customer(merchant_id, mode, customer_id)
        if known is not None:
            return known
        created = await api.keyed(
            f"customer:{customer_id}",
            lambda v1, options: v1.customers.create_async({"metadata": {"customer_id": str(customer_id)}}, options),
        )
        return await self._books.store_customer(merchant_id, mode, customer_id, created["id"])

    async def _replace_customer(self, api: "StripeApi", customer_id: UUID, reference: str) -> None:
        """Create another customer next time: this one was deleted at Stripe, or belongs to a previous account."""
        await self._books.drop_customer(api.account.merchant_id, api.account.mode, reference)
        await api.abandon_key(f"customer:{customer_id}")

    async def _method(self, api: "StripeApi", token: str) -> dict[str, Any]:
        try:
            return await api.ask(lambda v1, options: v1.payment_methods.retrieve_async(token, {}, options), expects=_REQUEST)
        except Rejected:
            raise UnknownToken from None

    async def _stored(self, api: "StripeApi", customer_id: UUID, customer: str, card: Any) -> Method:
        """The method, once it is known that the card is attached to this customer. Raises UnknownToken."""
        if not isinstance(card, dict) or card.get("type") != "card" or card.get("customer") != customer:
            raise UnknownToken
        method = StripeMethod(customer_id, api.account.mode, customer, card["id"])
        id = await self._books.store_method(api.account.merchant_id, method, card["card"].get("fingerprint"))
        return _method(id, card)


def _method(id: UUID, card: Mapping[str, Any]) -> Method:
    face = card["card"]
    return Method(id, _brand(face), face["last4"], face["exp_month"], face["exp_year"], face.get("fingerprint"))


def _brand(card: Mapping[str, Any]) -> Brand:
    name = card.get("brand")
    return Brand(name) if name in {each.value for each in Brand} else Brand.OTHER


async def _read_card(api: "StripeApi", reference: str) -> dict[str, Any] | None:
    """None if the account has no such payment method."""
    try:
        return await api.ask(lambda v1, options: v1.payment_methods.retrieve_async(reference, {}, options), expects=_MISSING)
    except Rejected:
        return None


async def _read(api: "StripeApi", reference: str) -> dict[str, Any]:
    return await api.ask(lambda v1, options: v1.setup_intents.retrieve_async(reference, {"expand": ["payment_method"]}, options))
