"""What a customer can do with the cards on file: add one, choose the default and the backup, remove one."""

from dataclasses import dataclass
from uuid import UUID

from portal_gateway.application import limits
from portal_gateway.application.ports import Limits, Payments
from portal_gateway.application.refusals import CardDeclined
from portal_gateway.application.requests import BackupConsent
from portal_gateway.application.results import Accepted, CardAdded, CardSetup, RemovalPreview
from portal_gateway.domain.access import Session


@dataclass(frozen=True, slots=True)
class Cards:
    """Nothing of this charges anything. A card of another customer is refused with 404."""

    payments: Payments
    limits: Limits

    async def open_setup(self, session: Session, *, locale: str, colour: str | None) -> CardSetup:
        """Open card entry for a card beside the others. Raises 409 `too_many_payment_methods`."""
        await self.limits.take(limits.CARD_SETUPS, session.customer_key)
        return await self.payments.open_setup(session, locale, colour, "add")

    async def add(self, session: Session, setup_id: UUID, token: str, *, idempotency_key: str | None = None) -> CardAdded:
        """Store a card that was typed. Only a customer's first card becomes the default.

        Raises 402 like a change of the card, 404 for a set-up that has ended, 409 `too_many_payment_methods`.
        """
        declines = (limits.REFUSED_CARDS, session.customer_key), (limits.REFUSED_CARDS_OF_LINK, str(session.link_id))
        await self.limits.check(*declines)
        try:
            return await self.payments.add_card(session, setup_id, token, idempotency_key)
        except CardDeclined:
            await self.limits.count(*declines)
            raise

    async def make_default(self, session: Session, method_id: UUID, *, idempotency_key: str | None = None) -> Accepted:
        await self.limits.take(limits.CARD_CHANGES, session.customer_key)
        return await self.payments.make_default(session, method_id, idempotency_key)

    async def choose_backup(
        self, session: Session, method_id: UUID, consent: BackupConsent, *, idempotency_key: str | None = None
    ) -> Accepted:
        """Charge this card once if the default fails. Raises 409 `default_as_backup`."""
        await self.limits.take(limits.CARD_CHANGES, session.customer_key)
        return await self.payments.choose_backup(session, method_id, consent, idempotency_key)

    async def withdraw_backup(self, session: Session, method_id: UUID, *, idempotency_key: str | None = None) -> Accepted:
        await self.limits.take(limits.CARD_CHANGES, session.customer_key)
        return await self.payments.withdraw_backup(session, method_id, idempotency_key)

    async def removal_preview(self, session: Session, method_id: UUID) -> RemovalPreview:
        """Whether the card can be removed, and which one is the default afterwards."""
        return await self.payments.removal_preview(session, method_id)

    async def remove(
        self, session: Session, method_id: UUID, next_default: UUID | None = None, *, idempotency_key: str | None = None
    ) -> Accepted:
        """`next_default` is the card that was shown as the next default. Raises 409 `last_payment_method` and
        `next_default_changed`.
        """
        await self.limits.take(limits.CARD_CHANGES, session.customer_key)
        return await self.payments.remove_card(session, method_id, next_default, idempotency_key)
