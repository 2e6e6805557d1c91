"""A stand-in for the payments service, as the portal calls it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from chassis.http.problems import Problem, not_found
from portal_gateway.application.requests import BackupConsent, Looks, PaymentRequest, Purpose
from portal_gateway.application.results import (
    Accepted,
    AuthenticationBegun,
    CardAdded,
    CardSetup,
    CardUpdated,
    ConfirmationPage,
    DueCharge,
    Dues,
    PaymentBegun,
    PaymentPreview,
    RemovalPreview,
)
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.view import Money
from support.portal_page import scenes

CARDS = "http://localhost:8001"


@dataclass
class Payments:
    due: list[DueCharge] = field(default_factory=list)
    """The charges of a payment."""
    more: bool = False
    running: bool = False
    refuses: Problem | None = None
    requests: list[tuple[UUID, PaymentRequest, str | None]] = field(default_factory=list)
    removal: RemovalPreview | None = None
    card_commands: list[tuple[object, ...]] = field(default_factory=list)
    """Name, id of the card, what else was sent, and the idempotency key."""
    paid_once: list[tuple[str, str, Money]] = field(default_factory=list)
    """Set-up, token and total of each payment with a card that is not stored."""
    confirmations: list[tuple[UUID, Looks]] = field(default_factory=list)
    """Openings of the page on which a payer confirms a charge."""

    async def open_setup(self, session: Session, locale: str, colour: str | None, purpose: Purpose = "default") -> CardSetup:
        setup = uuid5(scenes.OURS, "setup")
        listed = self.dues() if purpose == "default" else Dues(due=[], total=None)
        return {"setup_id": str(setup), "frame_url": f"{CARDS}/cards/{setup}", **listed}

    async def add_card(self, session: Session, setup_id: UUID, token: str, key: str | None) -> CardAdded:
        accepted = self._accept("add", setup_id, token, key)
        added = str(uuid5(scenes.OURS, "added"))
        return {
            **accepted,
            "id": added,
            "brand": "mastercard",
            "last4": "4444",
            "exp_month": 12,
            "exp_year": 2030,
            "is_default": False,
        }

    async def make_default(self, session: Session, method_id: UUID, key: str | None) -> Accepted:
        return self._accept("default", method_id, key)

    async def choose_backup(self, session: Session, method_id: UUID, consent: BackupConsent, key: str | None) -> Accepted:
        return self._accept("backup", method_id, consent.text, consent.language, key)

    async def withdraw_backup(self, session: Session, method_id: UUID, key: str | None) -> Accepted:
        return self._accept("no-backup", method_id, key)

    async def removal_preview(self, session: Session, method_id: UUID) -> RemovalPreview:
        if self.removal is None or self.removal["payment_method"]["id"] != str(method_id):
            raise not_found()
        return self.removal

    async def remove_card(self, session: Session, method_id: UUID, next_default: UUID | None, key: str | None) -> Accepted:
        return self._accept("remove", method_id, next_default, key)

    def _accept(self, *command: object) -> Accepted:
        self.card_commands.append(command)
        if self.refuses:
            raise self.refuses
        return {"aggregate": f"wallet-{scenes.CUSTOMER}", "version": 2}

    async def update_card(self, *_: Any) -> CardUpdated:
        raise self.refuses or not_found()

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        return {"invoice_id": str(invoice_id), "running": self.running, **self.dues()}

    async def pay(self, session: Session, invoice_id: UUID, request: PaymentRequest, key: str | None) -> PaymentBegun:
        self.requests.append((invoice_id, request, key))
        if self.refuses:
            raise self.refuses
        charge = {"id": "charge", "invoice_id": str(invoice_id), "aggregate": f"payment-{invoice_id}", "version": 3}
        return {**charge, "payment_method": {}, **self.dues()}  # type: ignore[typeddict-item]

    async def authenticate(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, looks: Looks, key: str | None
    ) -> AuthenticationBegun:
        self.requests.append((invoice_id, request, key))
        if self.refuses:
            raise self.refuses
        setup, charge = uuid5(scenes.OURS, "setup"), uuid5(scenes.OURS, "charge")
        return {
            "id": str(charge),
            "invoice_id": str(invoice_id),
            "aggregate": f"payment-{invoice_id}",
            "version": 3,
            "payment_method": {},
            "setup_id": str(setup),
            "frame_url": f"{CARDS}/cards/{setup}/confirm/{charge}",
        }

    async def open_payment_setup(self, session: InvoiceSession, locale: str, colour: str | None) -> CardSetup:
        if self.refuses:
            raise self.refuses
        setup = uuid5(scenes.OURS, "setup")
        return {"setup_id": str(setup), "frame_url": f"{CARDS}/cards/{setup}", **self.dues()}

    async def pay_with_card(
        self, session: InvoiceSession, setup_id: str, token: str, total: Money, key: str | None
    ) -> PaymentBegun:
        self.paid_once.append((setup_id, token, total))
        if self.refuses:
            raise self.refuses
        id = session.invoice_id
        charge = {"id": str(uuid5(scenes.OURS, "charge")), "invoice_id": str(id), "aggregate": f"payment-{id}", "version": 3}
        return {**charge, "payment_method": {"brand": "visa", "last4": "4242"}, **self.dues()}  # type: ignore[typeddict-item]

    async def open_confirmation(self, session: InvoiceSession, charge_id: UUID, looks: Looks) -> ConfirmationPage:
        self.confirmations.append((charge_id, looks))
        if self.refuses:
            raise self.refuses
        setup = uuid5(scenes.OURS, "setup")
        return {"setup_id": str(setup), "frame_url": f"{CARDS}/cards/{setup}/confirm/{charge_id}"}

    def dues(self) -> Dues:
        amounts = [each["amount"] for each in self.due]
        total: Money | None = None
        if amounts:
            total = {"amount_minor": sum(each["amount_minor"] for each in amounts), "currency": amounts[0]["currency"]}
        dues: Dues = {"due": self.due, "total": total}
        return {**dues, "more": True} if self.more else dues
