"""Moves a card on file to the provider of the merchant's new cards, after an import has copied it there."""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from payments.application.ports import Clock, MigratingMethods
from payments.application.provider_ports import Provider
from payments.domain.shapes import Method
from payments.domain.wallet.commands import ReplaceMethod

MigrationStatus: TypeAlias = Literal["possible", "migrated", "migrated_before"]


class UnknownMethod(Exception):
    """The merchant has no such card."""


class RemovedBefore(Exception):
    """The card was removed, and not because of a migration to this one."""


class ChargeAgreed(Exception):
    """The customer has agreed to a charge with a card on file that has not begun yet."""


@dataclass(frozen=True, slots=True)
class Migration:
    customer_id: UUID
    old: Method
    new: Method
    done: bool = False
    """Whether the new card is on file in place of the old one already."""


@dataclass(frozen=True, slots=True)
class CardMigration:
    methods: MigratingMethods
    provider: Provider
    clock: Clock

    async def prepare(self, merchant_id: UUID, old: str, new: str, *, dry_run: bool) -> Migration:
        """Check the two cards. With `dry_run` nothing is written, at the provider or here.

        Raises UnknownMethod, RemovedBefore, ChargeAgreed, and the provider's UnknownToken, NoProvider and NoAnswer.
        """
        known = await self.methods.named(merchant_id, old)
        if known is None:
            raise UnknownMethod
        if known.agreed and not known.removed:
            raise ChargeAgreed
        keep = not (dry_run or known.removed)
        imported = await self.provider.imported(merchant_id, known.customer_id, new, keep=keep)
        if known.removed:
            successor = await self.methods.named(merchant_id, str(imported.id))
            if successor is None or successor.removed or successor.customer_id != known.customer_id:
                raise RemovedBefore
        return Migration(known.customer_id, known.method, imported, done=known.removed)

    async def command(self, merchant_id: UUID, migration: Migration) -> ReplaceMethod:
        return ReplaceMethod(migration.old.id, migration.new, await self.clock.now(merchant_id))
