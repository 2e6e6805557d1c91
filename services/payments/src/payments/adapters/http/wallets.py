"""The roles of cards on file: the default, the backup, and removing a card."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from billing_contracts.expiry import expired
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.authentication import MerchantOrCustomer, Principal, only
from chassis.http.commands import CommandParam
from chassis.http.description import answers
from chassis.http.problems import not_found
from payments.adapters.http import documents
from payments.adapters.http.bodies import ChosenBackup
from payments.adapters.http.parameters import MethodId, NextDefault
from payments.application.card_change import method_json
from payments.application.ports import Clock, Customers, OpenInvoices
from payments.application.query_ports import PaymentReader
from payments.domain.wallet.backup import Backup, BackupConsent
from payments.domain.wallet.commands import ChooseBackup, Command, MakeDefault, RemoveMethod
from payments.domain.wallet.events import Event
from payments.domain.wallet.wallet import Wallet, is_needed

CHANGING = [Depends(only("merchant", "customer"))]


def routes(
    wallets: CommandHandler[Command, Event, Wallet],
    customers: Customers,
    invoices: OpenInvoices,
    clock: Clock,
    reader: PaymentReader,
) -> APIRouter:
    api = APIRouter(prefix="/v1/payment-methods/{method_id}")

    async def owned(caller: Principal, method_id: UUID) -> UUID:
        """The card's customer. Raises Problem 404 for an unknown card, and another customer's."""
        row = await reader.method(caller.merchant_id, method_id)
        if row is None or not caller.owns(row["customer_id"]):
            raise not_found()
        customer_id: UUID = row["customer_id"]
        return customer_id

    async def removal(merchant_id: UUID, customer_id: UUID, method_id: UUID, shown: UUID | None = None) -> RemoveMethod:
        at, zone = await clock.now(merchant_id), ZoneInfo(await clock.zone(merchant_id))
        methods = await reader.methods(merchant_id, customer_id)
        return RemoveMethod(
            method_id,
            await customers.subscribed(merchant_id, customer_id),
            at,
            owed=bool(await invoices.due(merchant_id, customer_id)),
            expired=frozenset(it["id"] for it in methods if expired(it["exp_month"], it["exp_year"], at, zone)),
            successor=shown,
        )

    @api.put("/default", status_code=202, dependencies=CHANGING)
    @answers(documents.Accepted)
    async def make_default(method_id: MethodId, request: CommandParam) -> Response:
        """Make a card on file the default for all the customer's subscriptions.

        Nothing is charged. If the card was the backup, there is none any more.
        """
        customer_id = await owned(request.principal, method_id)
        at = await clock.now(request.principal.merchant_id)
        return await request.handle(wallets, customer_id, MakeDefault(method_id, at))

    @api.put("/backup", status_code=202, dependencies=CHANGING)
    @answers(documents.Accepted, (409, "default_as_backup"))
    async def choose_backup(method_id: MethodId, body: ChosenBackup, request: CommandParam) -> Response:
        """Charge this card once if the default fails, with the customer's consent.

        It is charged after a refusal that only another card can help, or after the last retry: at most once for an invoice, and
        never more than the invoice.
        """
        customer_id = await owned(request.principal, method_id)
        at = await clock.now(request.principal.merchant_id)
        backup = Backup(method_id, BackupConsent(body.text, body.language, at))
        return await request.handle(wallets, customer_id, ChooseBackup(backup, at))

    @api.delete("/backup", status_code=202, dependencies=CHANGING)
    @answers(documents.Accepted)
    async def withdraw_backup(method_id: MethodId, request: CommandParam) -> Response:
        """Stop using this card as the backup. Nothing changes if it is not."""
        caller = request.principal
        customer_id = await owned(caller, method_id)
        loaded = await wallets.load(caller.merchant_id, customer_id)
        backup = loaded.state.backup if loaded.state else None
        other = backup if backup and backup.method_id != method_id else None
        command = ChooseBackup(other, await clock.now(caller.merchant_id))
        return await request.handle(wallets, customer_id, command, seen=loaded)

    @api.get("/removal")
    @answers(documents.Removal)
    async def preview_removal(method_id: MethodId, caller: MerchantOrCustomer) -> dict[str, Any]:
        """Preview what removing a card does: which card is the default afterwards."""
        customer_id = await owned(caller, method_id)
        _, wallet = await wallets.state(caller.merchant_id, customer_id)
        method = wallet.method(method_id) if wallet else None
        if wallet is None or method is None:
            raise not_found()
        command = await removal(caller.merchant_id, customer_id, method_id)
        successor = wallet.successor(method_id, command.expired)
        roles = {
            "is_default": method_id == wallet.default_id,
            "is_backup": wallet.backup is not None and wallet.backup.method_id == method_id,
        }
        return {
            "payment_method": method_json(method) | roles,
            "allowed": not is_needed(wallet, command),
            "next_default": method_json(successor) if successor else None,
        }

    @api.delete("", status_code=202, dependencies=CHANGING)
    @answers(documents.Accepted, (409, "last_payment_method"), (409, "next_default_changed"))
    async def remove(method_id: MethodId, request: CommandParam, next_default: NextDefault = None) -> Response:
        """Remove a card. After the default, the backup becomes it, else the newest card that has not expired.

        The only card is refused with `last_payment_method` while a subscription needs it or something is owed: add another card
        first, or cancel the subscription.
        """
        merchant_id = request.principal.merchant_id
        customer_id = await owned(request.principal, method_id)
        command = await removal(merchant_id, customer_id, method_id, next_default)
        return await request.handle(wallets, customer_id, command)

    return api
