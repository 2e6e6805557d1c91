"""Moving cards on file to the provider of the merchant's new cards."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.event_store import Answer
from chassis.http.authentication import only
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import Problem, not_found
from payments.adapters.http import documents
from payments.adapters.http.bodies import CardToMigrate
from payments.application.card_change import method_json
from payments.application.card_migration import (
    CardMigration,
    ChargeAgreed,
    Migration,
    MigrationStatus,
    RemovedBefore,
    UnknownMethod,
)
from payments.application.charges import NoAnswer, UnknownToken
from payments.domain.wallet.commands import Command
from payments.domain.wallet.events import Event
from payments.domain.wallet.wallet import Wallet


def routes(wallets: CommandHandler[Command, Event, Wallet], migration: CardMigration) -> APIRouter:
    api = APIRouter(prefix="/v1/payment-method-migrations")

    @api.post("", dependencies=[Depends(only("merchant"))])
    @answers(
        documents.MigratedMethod,
        (404, "not_found"),
        (409, "charge_running"),
        (409, "no_payment_provider"),
        (409, "payment_method_gone"),
        (422, "invalid_token"),
    )
    async def migrate(body: CardToMigrate, request: CommandParam) -> Response:
        """Put a card that was imported into the merchant's account in the place of the card on file, with its roles.

        The card on file is removed, and nothing is charged. A charge that has begun stays with its card and provider. Repeating
        it changes nothing. `portalctl wallets migrate` calls this for each line of a file.
        """
        merchant_id = request.principal.merchant_id
        try:
            prepared = await migration.prepare(merchant_id, body.old, body.new, dry_run=body.dry_run)
        except UnknownMethod:
            raise not_found() from None
        except RemovedBefore:
            raise Problem(409, "payment_method_gone", "The card on file was removed") from None
        except ChargeAgreed:
            raise Problem(409, "charge_running", "The customer has agreed to a charge that has not begun; repeat this") from None
        except UnknownToken:
            raise Problem(422, "invalid_token", "The merchant's account has no such card of this customer") from None
        except NoAnswer:
            raise Problem(503, "service_unavailable", "The payment provider does not answer; nothing was changed") from None
        if body.dry_run:
            return JSONResponse(_json(prepared, "migrated_before" if prepared.done else "possible"))

        def migrated(outcome: Outcome[Event, Wallet]) -> Answer:
            return Answer(200, _json(prepared, "migrated" if outcome.events else "migrated_before"))

        command = await migration.command(merchant_id, prepared)
        return await request.handle(wallets, prepared.customer_id, command, answer=migrated)

    return api


def _json(migration: Migration, status: MigrationStatus) -> dict[str, Any]:
    cards = {"old": method_json(migration.old), "new": method_json(migration.new)}
    return {"status": status, "customer_id": str(migration.customer_id), **cards}
