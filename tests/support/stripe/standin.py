"""A stand-in for Stripe: the objects of several accounts, and how requests change them. `server` serves it over HTTP.

Its behaviour follows Stripe's documentation: idempotency keys that remember errors, intents that are paid once, declined intents
without a card, errors that are cleared when an intent changes. Tests compare its books with the service's.
"""

import copy
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.stripe.cards import BRANDS, CARDS
from support.stripe.checks import Values
from support.stripe.documents import fixtures, spec

SMALLEST_AMOUNT = 50
"""Below this, Stripe refuses a charge."""
CURRENCIES = frozenset(["bhd", "clp", "crc", "eur", "gbp", "isk", "jod", "jpy", "kwd", "mga", "mxn", "omr", "tnd", "ugx", "usd"])
CONFIRMABLE = ("requires_confirmation", "requires_payment_method", "requires_action")


class Refusal(Exception):
    """An error object and its HTTP status."""

    def __init__(self, status: int, type: str, code: str | None = None, message: str = "Refused.", **more: Any) -> None:
        self.status = status
        self.error = {"type": type, "message": message, **({"code": code} if code else {}), **more}


def invalid(code: str | None = None, message: str = "Refused.", status: int = 400, **more: Any) -> Refusal:
    return Refusal(status, "invalid_request_error", code, message, **more)


@dataclass
class Account:
    """A merchant's account in one mode: test and live objects never meet."""

    mode: str = "test"
    key: str = ""
    publishable_key: str = ""
    objects: dict[str, Values] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """By `pm_…`."""
    set_up: set[str] = field(default_factory=set)
    """`pm_…` for which the customer has confirmed at the bank that they may be charged."""
    captures: dict[str, int] = field(default_factory=dict)
    """How often money was taken, by `pi_…`."""
    remembered: dict[str, tuple[str, int, Values]] = field(default_factory=dict)
    """Idempotency key → request, status, answer."""
    remembers: bool = True
    """Whether idempotency keys have an effect. Stripe forgets them after a day."""
    refund_status: str = "succeeded"
    """Of refunds from now on."""
    lacks: set[str] = field(default_factory=set)
    """Kinds of objects that the key may not read: the first part of their path."""
    key_status: int = 200
    """401: the key was revoked. 403: it lacks a permission."""

    def __post_init__(self) -> None:
        secret = secrets.token_hex(12)
        self.key = self.key or f"rk_{self.mode}_{secret}"
        self.publishable_key = self.publishable_key or f"pk_{self.mode}_{secret}"

    def kinds(self, kind: str) -> list[Values]:
        return [each for each in self.objects.values() if each["object"] == kind]

    def intents_of(self, charge_id: object) -> list[Values]:
        return [each for each in self.kinds("payment_intent") if each["metadata"].get("charge_id") == str(charge_id)]

    def captured(self, charge_id: object) -> int:
        """How often money was taken for a charge."""
        return sum(self.captures.get(each["id"], 0) for each in self.intents_of(charge_id))

    def refunded(self, charge_id: object) -> int:
        intents = {each["id"] for each in self.intents_of(charge_id)}
        return sum(
            each["amount"]
            for each in self.kinds("refund")
            if each["payment_intent"] in intents and each["status"] in ("succeeded", "pending")
        )

    # What happens in the customer's browser.

    def type_card(self, setup_intent: str, number: str, *, authenticates: bool = True, month: int = 12, year: int = 2031) -> None:
        """The customer types a card into Stripe's fields and answers the bank if it asks."""
        intent, card = self.objects[setup_intent], CARDS[number]
        if card.on_setup or (card.asks_at_setup and not authenticates):
            code, decline_code = card.on_setup or ("setup_intent_authentication_failure", None)
            intent.update(last_setup_error=_error("card_error", code, decline_code))
            return
        method = self.method(number, month=month, year=year, customer=intent["customer"])
        if card.authentication == "at set-up":
            self.set_up.add(method["id"])
        intent.update(status="succeeded", payment_method=method["id"], last_setup_error=None)
        self.event("setup_intent.succeeded", intent)

    def method(self, number: str, *, month: int = 12, year: int = 2031, customer: str | None = None) -> Values:
        method = self.new("payment_method", "pm_", customer=customer, type="card")
        fingerprint = hashlib.sha256(number.encode()).hexdigest()[:16]
        facts = {"last4": number[-4:], "brand": BRANDS[number[0]], "fingerprint": fingerprint}
        method["card"] = {**method["card"], **facts, "exp_month": month, "exp_year": year}
        self.numbers[method["id"]] = number
        return method

    def renew(self, method_id: str, number: str, *, month: int = 12, year: int = 2035) -> Values:
        """The card's network has replaced the card. Returns the event."""
        method = self.objects[method_id]
        fingerprint = hashlib.sha256(number.encode()).hexdigest()[:16]
        method["card"].update(last4=number[-4:], exp_month=month, exp_year=year, fingerprint=fingerprint)
        return self.event("payment_method.automatically_updated", method)

    def delete_customer(self, id: str) -> Values:
        """The merchant deletes the customer in Stripe's dashboard. Returns the event."""
        for each in self.kinds("payment_method"):
            if each["customer"] == id:
                each["customer"] = None
        return self.event("customer.deleted", self.objects.pop(id))

    def authenticate(self, intent_id: str, *, passed: bool) -> None:
        """The customer answers the bank's question about a payment."""
        intent = self.objects[intent_id]
        assert intent["status"] == "requires_action", intent["status"]
        try:
            if passed:
                self._settle(intent)
            else:
                self._decline(intent, "payment_intent_authentication_failure", None)
        except Refusal:
            return

    def event(self, type: str, of: Values) -> Values:
        return self.new(
            "event",
            "evt_",
            type=type,
            api_version=spec()["info"]["version"],
            data={"object": copy.deepcopy(of)},
            pending_webhooks=1,
        )

    def new(self, kind: str, prefix: str, **fields: Any) -> Values:
        """An object with all fields of Stripe's example."""
        created: Values = copy.deepcopy(fixtures()[kind])
        created.update(fields, id=prefix + secrets.token_hex(8), created=int(time.time()))
        if "livemode" in created:
            created["livemode"] = self.mode == "live"
        self.objects[created["id"]] = created
        return created

    def get(self, kind: str, id: str, parameter: str = "id") -> Values:
        existing = self.objects.get(id)
        if existing is None or existing["object"] != kind:
            raise invalid("resource_missing", f"No such {kind}: '{id}'", 404, param=parameter)
        return existing

    # Requests.

    def create_customer(self, values: Values) -> Values:
        return self.new("customer", "cus_", metadata=values.get("metadata", {}), discount=None, shipping=None)

    def update_customer(self, id: str, values: Values) -> Values:
        customer = self.get("customer", id)
        customer["metadata"] |= values.get("metadata", {})
        return customer

    def search_customers(self, path: str, values: Values) -> Values:
        """By one field of the metadata."""
        field = re.fullmatch(r"metadata\['(\w+)'\]:'([\w-]+)'", values["query"])
        assert field, values["query"]
        customers = [each for each in self.kinds("customer") if each["metadata"].get(field[1]) == field[2]]
        return {"object": "search_result", "url": path, "has_more": False, "next_page": None, "data": customers}

    def methods_of(self, path: str, values: Values) -> Values:
        customer = self.get("customer", values["customer"], "customer")
        return self.page(path, "payment_method", values, lambda each: each["customer"] == customer["id"])

    def create_setup_intent(self, values: Values) -> Values:
        customer = self.get("customer", values["customer"], "customer")
        intent = self.new(
            "setup_intent",
            "seti_",
            customer=customer["id"],
            usage=values.get("usage", "off_session"),
            metadata=values.get("metadata", {}),
            payment_method_types=values.get("payment_method_types", ["card"]),
            status="requires_payment_method",
            automatic_payment_methods=None,
            last_setup_error=None,
            next_action=None,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(12)}"
        return intent

    def read_setup_intent(self, id: str, values: Values) -> Values:
        intent = copy.deepcopy(self.get("setup_intent", id))
        if intent["payment_method"] and "payment_method" in values.get("expand", ()):
            intent["payment_method"] = self.objects[intent["payment_method"]]
        return intent

    def attach(self, id: str, values: Values) -> Values:
        method = self.get("payment_method", id, "payment_method")
        customer = self.get("customer", values["customer"], "customer")
        if method["customer"]:
            raise invalid(message="The payment method you provided has already been attached to a customer.")
        if declined := CARDS[self.numbers[id]].on_setup:
            raise Refusal(402, **_error("card_error", *declined))
        method["customer"] = customer["id"]
        return method

    def detach(self, id: str, _: Values) -> Values:
        method = self.get("payment_method", id, "payment_method")
        if not method["customer"]:
            raise invalid(message="The payment method you provided is not attached to a customer.")
        method["customer"] = None
        self.event("payment_method.detached", method)
        return method

    def create_payment_intent(self, values: Values) -> Values:
        amount, currency = int(values["amount"]), values["currency"]
        if currency not in CURRENCIES:
            raise invalid(message=f"Invalid currency: {currency}.", param="currency")
        if amount < SMALLEST_AMOUNT:
            raise invalid("amount_too_small", "Amount must be at least $0.50 usd", param="amount")
        if currency in ("bhd", "jod", "kwd", "omr", "tnd") and amount % 10:
            raise invalid(message="Invalid amount.", param="amount")
        customer = self.get("customer", values["customer"], "customer")
        method = self.get("payment_method", values["payment_method"], "payment_method")
        if method["customer"] != customer["id"]:
            raise invalid("resource_missing", "The customer does not have this payment method.", param="payment_method")
        intent = self.new(
            "payment_intent",
            "pi_",
            amount=amount,
            currency=currency,
            customer=customer["id"],
            payment_method=method["id"],
            payment_method_types=values.get("payment_method_types", ["card"]),
            metadata=values.get("metadata", {}),
            status="requires_confirmation",
            automatic_payment_methods=None,
            canceled_at=None,
            last_payment_error=None,
            managed_payments=None,
            next_action=None,
            processing=None,
            shipping=None,
            transfer_data=None,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(12)}"
        return intent

    def confirm(self, id: str, values: Values) -> Values:
        intent = self.get("payment_intent", id)
        if intent["status"] not in CONFIRMABLE or not intent["payment_method"]:
            raise _moved(intent)
        method = self.objects[intent["payment_method"]]
        if not method["customer"]:
            raise invalid(
                "payment_intent_unexpected_state", "The payment method is not attached.", payment_intent=copy.deepcopy(intent)
            )
        card = CARDS[self.numbers[method["id"]]]
        if card.authentication == "always" or (card.authentication == "at set-up" and method["id"] not in self.set_up):
            if values.get("off_session") == "true":
                self._decline(intent, "authentication_required", "authentication_required")
            intent.update(status="requires_action", next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {}})
            self.event("payment_intent.requires_action", intent)
            return intent
        return self._settle(intent)

    def search_payment_intents(self, path: str, query: str) -> Values:
        """By one field of the metadata, as `metadata['name']:'value'`."""
        matched = re.fullmatch(r"metadata\['(\w+)'\]:'([^']+)'", query)
        if matched is None:
            raise invalid(message="The query could not be parsed.", param="query")
        name, value = matched.groups()
        intents = [each for each in self.kinds("payment_intent") if each["metadata"].get(name) == value]
        return {"object": "search_result", "url": path, "has_more": False, "next_page": None, "data": intents[::-1]}

    def cancel(self, id: str, values: Values) -> Values:
        intent = self.get("payment_intent", id)
        if intent["status"] in ("succeeded", "canceled"):
            raise _moved(intent)
        intent.update(
            status="canceled",
            cancellation_reason=values.get("cancellation_reason"),
            canceled_at=int(time.time()),
            last_payment_error=None,
            next_action=None,
        )
        self.event("payment_intent.canceled", intent)
        return intent

    def create_refund(self, values: Values) -> Values:
        intent = self.get("payment_intent", values["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise invalid(message="This PaymentIntent does not have a successful charge to refund.")
        left = intent["amount"] - sum(
            each["amount"]
            for each in self.kinds("refund")
            if each["payment_intent"] == intent["id"] and each["status"] not in ("failed", "canceled")
        )
        amount = int(values.get("amount", left))
        if not left:
            raise invalid("charge_already_refunded", "Charge has already been refunded.")
        if amount > left:
            raise invalid(message="Refund amount is greater than unrefunded amount on charge.", param="amount")
        refund = self.new(
            "refund",
            "re_",
            amount=amount,
            currency=intent["currency"],
            charge=intent["latest_charge"],
            payment_intent=intent["id"],
            metadata=values.get("metadata", {}),
            status=self.refund_status,
        )
        self.event("charge.refunded" if self.refund_status == "succeeded" else "refund.created", refund)
        return refund

    def return_refund(self, id: str, reason: str = "lost_or_stolen_card") -> Values:
        """The customer's bank returns a refund that was made. Returns the event."""
        refund = self.objects[id]
        assert refund["status"] == "succeeded", refund["status"]
        refund.update(status="failed", failure_reason=reason)
        return self.event("refund.failed", refund)

    def page(self, path: str, kind: str, values: Values, matches: Callable[[Values], bool] = lambda _: True) -> Values:
        """A list, the newest first."""
        items = [each for each in self.kinds(kind) if matches(each)][::-1]
        if after := values.get("starting_after"):
            items = items[[each["id"] for each in items].index(after) + 1 :]
        if before := values.get("ending_before"):
            items = items[: [each["id"] for each in items].index(before)]
        limit = int(values.get("limit", 10))
        return {"object": "list", "url": path, "has_more": len(items) > limit, "data": items[:limit]}

    def _settle(self, intent: Values) -> Values:
        """Take the money, or decline."""
        if declined := CARDS[self.numbers[intent["payment_method"]]].on_charge:
            self._decline(intent, *declined)
        self.captures[intent["id"]] = self.captures.get(intent["id"], 0) + 1
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge="ch_" + intent["id"][3:],
            last_payment_error=None,
            next_action=None,
        )
        self.event("payment_intent.succeeded", intent)
        return intent

    def _decline(self, intent: Values, code: str, decline_code: str | None) -> None:
        """Raises Refusal. The intent has no card left: only another confirmation that names one can pay it."""
        error = _error("card_error", code, decline_code)
        intent.update(
            status="requires_payment_method",
            last_payment_error=error,
            latest_charge="ch_" + intent["id"][3:],
            payment_method=None,
            next_action=None,
        )
        self.event("payment_intent.payment_failed", intent)
        raise Refusal(402, **error, payment_intent=copy.deepcopy(intent))


def signed(event: Values, secret: str, at: float | None = None) -> tuple[bytes, str]:
    """The body of a webhook and its `Stripe-Signature`."""
    body, when = json.dumps(event, indent=2).encode(), int(time.time() if at is None else at)
    signature = hmac.new(secret.encode(), b"%d.%s" % (when, body), hashlib.sha256).hexdigest()
    return body, f"t={when},v1={signature}"


def _moved(intent: Values) -> Refusal:
    message = f"This PaymentIntent's status is {intent['status']}."
    return invalid("payment_intent_unexpected_state", message, payment_intent=copy.deepcopy(intent))


def _error(type: str, code: str, decline_code: str | None) -> dict[str, Any]:
    error = {"type": type, "code": code, "message": "Declined."}
    return error | ({"decline_code": decline_code} if decline_code else {})
