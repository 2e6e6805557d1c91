"""An in-memory provider, tested by the same suite as the real ones."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from billing_contracts.expiry import expired
from payments.application.card_setup import OwnFields
from payments.application.charges import (
    Busy,
    Challenge,
    ChargeOrder,
    DisputeReport,
    NeedsCustomer,
    NoAnswer,
    Outcome,
    RefundMade,
    RefundOrder,
    RefundOutcome,
    RefundRefused,
    Refused,
    SetupRefused,
    Status,
    Taken,
    UnknownCharge,
    UnknownToken,
)
from payments.domain.card_input import brand_of
from payments.domain.shapes import FailureCode, Method

REFUSED_WHEN_SAVED = {"4000000000000002": FailureCode.CARD_DECLINED}
REFUSED_WHEN_CHARGED = {"0341": FailureCode.CARD_DECLINED}
BANK_ASKS = {"3184"}


@dataclass
class MemoryProvider:
    mode: Literal["normal", "lose", "hang", "break", "busy"] = "normal"
    charges: dict[UUID, Outcome] = field(default_factory=dict)
    refunds: dict[UUID, RefundOutcome] = field(default_factory=dict)
    disputed: dict[UUID, list[DisputeReport]] = field(default_factory=dict)
    """By charge, the oldest first."""
    given_back: dict[UUID, RefundOrder] = field(default_factory=dict)
    next_refund: RefundOutcome | None = None
    """The outcome of new refunds, for a test. None: they are made."""
    methods: dict[UUID, tuple[UUID, UUID | None, Method]] = field(default_factory=dict)
    tokens: dict[str, tuple[UUID, UUID, UUID, str]] = field(default_factory=dict)

    def tokenise(self, merchant_id: UUID, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        method = Method(uuid4(), brand_of(number), number[-4:], month, year)
        self.methods[method.id] = (merchant_id, None, method)
        token = f"tok_{uuid4().hex}"
        self.tokens[token] = (merchant_id, setup_id, method.id, number)
        return token

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> OwnFields:
        return OwnFields()

    async def charge(self, order: ChargeOrder) -> Outcome:
        await self._misbehave()
        self.charges.setdefault(order.charge_id, self._verdict(order))
        if self.mode == "lose":
            raise NoAnswer
        return self.charges[order.charge_id]

    async def status(self, order: ChargeOrder) -> Status:
        await self._misbehave()
        return self.charges.get(order.charge_id, UnknownCharge())

    async def cancel(self, order: ChargeOrder) -> Status:
        await self._misbehave()
        if self.charges.get(order.charge_id) == NeedsCustomer():
            del self.charges[order.charge_id]
        return self.charges.setdefault(order.charge_id, Refused(FailureCode.PROCESSING_ERROR))

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        waits = self.charges.get(order.charge_id) == NeedsCustomer()
        return Challenge(f"secret of {order.charge_id}") if waits else None

    def customer_answers(self, charge_id: UUID, outcome: Taken | Refused) -> None:
        """Nothing happens unless the charge waits for the customer."""
        if self.charges.get(charge_id) == NeedsCustomer():
            self.charges[charge_id] = outcome

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        await self._misbehave()
        if not isinstance(self.charges.get(order.charge.charge_id), Taken):
            raise LookupError
        outcome = self.refunds.setdefault(order.refund_id, self._refund_verdict(order))
        if isinstance(outcome, RefundMade):
            self.given_back.setdefault(order.refund_id, order)
        if self.mode == "lose":
            raise NoAnswer
        return outcome

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        await self._misbehave()
        return self.disputed.get(order.charge_id, ())

    def _refund_verdict(self, order: RefundOrder) -> RefundOutcome:
        back = (each for each in self.given_back.values() if each.charge.charge_id == order.charge.charge_id)
        left = order.charge.amount.amount_minor - sum(each.amount.amount_minor for each in back)
        if self.next_refund:
            return self.next_refund
        return RefundMade(f"re_{order.refund_id}") if 0 < order.amount.amount_minor <= left else RefundRefused("amount_too_large")

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        await self._misbehave()
        saved = self.tokens.get(token)
        if saved is None or saved[:2] != (merchant_id, setup_id):
            raise UnknownToken
        _, owner, method = self.methods[saved[2]]
        if owner not in (None, customer_id):
            raise UnknownToken
        if saved[3] in REFUSED_WHEN_SAVED:
            raise SetupRefused(REFUSED_WHEN_SAVED[saved[3]])
        self.methods[method.id] = (merchant_id, customer_id, method)
        return method

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        raise UnknownToken

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        raise UnknownToken

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        await self._misbehave()
        merchant, owner, method = self.methods.get(method_id, (None, None, None))
        return method if (merchant, owner) == (merchant_id, customer_id) else None

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        if self.methods.get(method_id, (None, None))[:2] == (merchant_id, customer_id):
            del self.methods[method_id]

    def _verdict(self, order: ChargeOrder) -> Outcome:
        merchant, owner, method = self.methods.get(order.method_id, (None, None, None))
        if method is None or (merchant, owner) != (order.merchant_id, order.customer_id):
            return Refused(FailureCode.PROCESSING_ERROR)
        if method.last4 in REFUSED_WHEN_CHARGED:
            return Refused(REFUSED_WHEN_CHARGED[method.last4])
        if expired(method.exp_month, method.exp_year, order.at, ZoneInfo(order.zone)):
            return Refused(FailureCode.EXPIRED_CARD)
        if method.last4 in BANK_ASKS:
            return NeedsCustomer() if order.on_session else Refused(FailureCode.AUTHENTICATION_REQUIRED)
        return Taken(f"ch_{order.charge_id}")

    async def _misbehave(self) -> None:
        if self.mode == "hang":
            await asyncio.sleep(3600)
        if self.mode == "busy":
            raise Busy
        if self.mode == "break":
            raise RuntimeError("no provider should do this")
