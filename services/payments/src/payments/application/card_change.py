"""A customer's new card: kept, made the default, and charged for what was agreed, all in one write."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.command_handler import ATTEMPTS, decide, rehydrate
from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey, Statement, VersionConflict, WriteSet
from chassis.eventsourcing.stream import Stream
from payments.application.aggregates import PAYMENT, WALLET
from payments.application.card_setup import SetUps
from payments.application.dues import Due, Dues, Listed, confirmation, totals
from payments.application.providers import NoAnswer, Provider
from payments.domain.confirmation import Consent
from payments.domain.payment.commands import TryAgain
from payments.domain.shapes import Method, Money
from payments.domain.wallet.commands import UseMethod


@dataclass(frozen=True, slots=True)
class CardChangeRequest:
    """What a customer confirmed on the card page."""

    customer_id: UUID
    setup_id: UUID
    session: str | None
    token: str
    charge_invoices: tuple[UUID, ...]
    """Begun periods too, by the ids that their invoices will have."""
    totals: tuple[Money, ...] | None = None
    """What was shown, by currency; None: what the set-up recorded."""


class SetUpOver(Exception):
    """No such set-up for this customer and session, or one that is over."""


class DueChanged(Exception):
    """The customer would pay something else than they saw."""

    def __init__(self, listed: Listed) -> None:
        super().__init__()
        self.listed = listed


class TooManyDeclines(Exception):
    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.seconds = seconds
        """Until the next card may be tried."""


@dataclass(frozen=True, slots=True)
class CardChange:
    store: EventStore
    setups: SetUps
    dues: Dues
    provider: Provider
    patience: float
    """Seconds for which the provider may take to save a card; somebody is waiting."""

    async def confirm(self, context: Context, asked: CardChangeRequest, key: IdempotencyKey | None) -> Answer:
        """The new default, and a charge begun, or agreed to, for each invoice listed.

        A charge that is still open for such an invoice is waited for: the new card is charged only if that one fails.
        Begun periods that are listed are charged as soon as they are entered.
        Raises SetUpOver, DueChanged, TooManyDeclines, and the provider's UnknownToken, SetupRefused and NoAnswer:
        then nothing has changed, and the old card works on.
        """
        if seconds := await self.setups.blocked_for(context.merchant_id, asked.customer_id):
            raise TooManyDeclines(seconds)
        await self._as_shown(context.merchant_id, asked)
        method = await self._saved(context.merchant_id, asked)
        for _ in range(ATTEMPTS):
            write_set, answer = await self._decided(context, asked, method)
            try:
                await self.store.write(WriteSet(**write_set, answer=(key, answer) if key else None))
            except VersionConflict:
                continue
            return answer
        raise VersionConflict(f"wallet-{asked.customer_id}")

    async def _saved(self, merchant_id: UUID, asked: CardChangeRequest) -> Method:
        try:
            async with asyncio.timeout(self.patience):
                return await self.provider.save(merchant_id, asked.customer_id, asked.setup_id, asked.token)
        except TimeoutError:
            raise NoAnswer from None

    async def _as_shown(self, merchant_id: UUID, asked: CardChangeRequest) -> tuple[Listed, tuple[Due, ...]]:
        """What is due, which is what was shown, and what of it is to be charged."""
        setup = await self.setups.open(asked.setup_id)
        if setup is None or (setup.merchant_id, setup.customer_id) != (merchant_id, asked.customer_id):
            raise SetUpOver
        if setup.session != asked.session:
            raise SetUpOver
        listed = await self.dues.of(merchant_id, asked.customer_id)
        chosen = listed.chosen(asked.charge_invoices)
        if listed.due != setup.due or chosen is None:
            raise DueChanged(listed)
        if asked.totals is not None and set(asked.totals) != set(totals(chosen)):
            raise DueChanged(listed)
        return listed, chosen

    async def _decided(self, context: Context, asked: CardChangeRequest, method: Method) -> tuple[dict[str, Any], Answer]:
        """The parts of the write set, and what to answer."""
        merchant_id = context.merchant_id
        wallet = WALLET.stream(merchant_id, asked.customer_id)
        streams = {id: PAYMENT.stream(merchant_id, id) for id in asked.charge_invoices}
        stored = await self.store.read_many([wallet, *streams.values()])
        # After the streams: another request that used the set-up first is seen here, or has moved a stream since.
        listed, chosen = await self._as_shown(merchant_id, asked)
        payments = [streams[each.invoice_id] for each in chosen if each.number is not None]
        confirmed = confirmation(listed.at, chosen, method.id)
        consent = confirmed.consent if confirmed else None
        use = UseMethod(asked.customer_id, method, listed.at, tuple(stream.id for stream in payments), confirmed)
        changed, write_set = decide(WALLET, context, rehydrate(WALLET, wallet, stored[wallet]), use)
        appends, statements = [*write_set.appends], [*write_set.statements, used(asked.setup_id, merchant_id)]
        charges: list[dict[str, object]] = []
        for stream in payments:
            past = rehydrate(PAYMENT, stream, stored[stream])
            outcome, write_set = decide(PAYMENT, context, past, TryAgain(method, listed.at, consent))
            appends += write_set.appends
            statements += write_set.statements
            if outcome.state.open and outcome.state.open.method != method:
                statements.append(agreement(stream, asked.customer_id, method, consent))
            charges.append({"invoice_id": str(stream.id), "aggregate": stream.name, "version": outcome.version})
        return {"appends": tuple(appends), "statements": tuple(statements)}, outcome_of(changed, method, charges)


def outcome_of(changed: Outcome[Any, Any], method: Method, charges: Sequence[dict[str, object]]) -> Answer:
    body = {"aggregate": changed.stream.name, "version": changed.version, "payment_method": method_json(method)}
    return Answer(200, body | {"charges": list(charges)})


def method_json(method: Method) -> dict[str, object]:
    return {
        "id": str(method.id),
        "brand": method.brand.value,
        "last4": method.last4,
        "exp_month": method.exp_month,
        "exp_year": method.exp_year,
    }


def used(setup_id: UUID, merchant_id: UUID) -> Statement:
    return Statement("UPDATE setup SET used_at = now() WHERE merchant_id = $1 AND id = $2", (merchant_id, setup_id))


def agreement(stream: Stream, customer_id: UUID, method: Method, consent: Consent | None) -> Statement:
    """Written after the wallet's rows, which forget what was agreed for the card before."""
    sql = """
        INSERT INTO agreed_charge (merchant_id, invoice_id, customer_id, method_id, confirmation_id, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """
    how = (consent.id, consent.at) if consent else (None, None)
    return Statement(sql, (stream.merchant_id, stream.id, customer_id, method.id, *how))
