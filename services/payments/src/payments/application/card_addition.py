"""Adds a card that was typed on the card page beside the customer's others. Nothing is charged."""

from dataclasses import dataclass
from uuid import UUID

from chassis.eventsourcing.context import Context
from chassis.eventsourcing.event_store import Answer, EventStore, IdempotencyKey
from chassis.eventsourcing.multi_stream_handler import MultiStreamHandler, StreamDecisions
from payments.application.aggregates import Wallets
from payments.application.card_change import TooManyDeclines, method_json, opened, saved
from payments.application.ports import Clock, Rows, SetUps
from payments.application.provider_ports import Provider
from payments.domain.shapes import Method
from payments.domain.wallet.commands import AddMethod
from payments.domain.wallet.refusals import TooManyMethods


@dataclass(frozen=True, slots=True)
class CardAdditionRequest:
    customer_id: UUID
    setup_id: UUID
    session: str | None
    token: str


@dataclass(frozen=True, slots=True)
class CardAddition:
    store: EventStore
    wallets: Wallets
    rows: Rows
    setups: SetUps
    clock: Clock
    provider: Provider
    provider_timeout_seconds: float
    """Seconds that the provider may take to save a card while the customer waits."""

    async def confirm(self, context: Context, request: CardAdditionRequest, key: IdempotencyKey | None) -> Answer:
        """Store the card. Only a customer's first card becomes the default.

        Raises SetUpOver, TooManyDeclines, TooManyMethods, and the provider's UnknownToken, SetupRefused and NoAnswer: then
        nothing has changed. A card that is refused as the eleventh is detached at the provider.
        """
        merchant_id, customer_id = context.merchant_id, request.customer_id
        if seconds := await self.setups.blocked_for(merchant_id, customer_id):
            raise TooManyDeclines(seconds)
        await self._check(merchant_id, request)
        timeout = self.provider_timeout_seconds
        method = await saved(self.provider, timeout, merchant_id, customer_id, request.setup_id, request.token)
        stream = self.wallets.stream(merchant_id, customer_id)

        async def command(decisions: StreamDecisions) -> Answer:
            return await self._decide(merchant_id, request, method, decisions)

        try:
            return await MultiStreamHandler(self.store).handle(context, [stream], command, key=key)
        except TooManyMethods:
            await self.provider.forget(merchant_id, customer_id, method.id)
            raise

    async def _check(self, merchant_id: UUID, request: CardAdditionRequest) -> None:
        setup = await self.setups.open(request.setup_id)
        opened(setup, merchant_id, request.customer_id, request.session, purpose="add")

    async def _decide(
        self, merchant_id: UUID, request: CardAdditionRequest, method: Method, decisions: StreamDecisions
    ) -> Answer:
        # Read after the stream: another request that used the set-up is seen here, or causes a version conflict.
        await self._check(merchant_id, request)
        add = AddMethod(request.customer_id, method, await self.clock.now(merchant_id))
        outcome = decisions.decide(self.wallets, request.customer_id, add)
        decisions.write(self.rows.setup_used(merchant_id, request.setup_id))
        wallet = outcome.state
        assert wallet is not None, "a card was added"
        is_default = wallet.default_id == method.id
        body = {"aggregate": outcome.stream.name, "version": outcome.version, "is_default": is_default}
        return Answer(201, method_json(method) | body)
