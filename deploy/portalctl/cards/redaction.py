"""Redacts card numbers in rows that may change. Events, issued documents and data derived from them stay unchanged."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from chassis.card_numbers.detection import redact_cards
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from chassis.http.free_text import CARD_MARK
from chassis.tenants import Tenants
from portalctl.cards.locations import TEXTS, Treatment
from portalctl.cards.search import Finding
from subscriptions.adapters import rows
from subscriptions.adapters.tables.customers import CustomersTable
from subscriptions.application.aggregates import MERCHANT
from subscriptions.application.profiles import Customer
from subscriptions.domain.merchant.commands import Reconfigure
from subscriptions.domain.merchant.profile import UNCHANGED, BrandingPatch, MerchantProfile, ProfilePatch, Unchanged

OPERATOR = "operator"

T = TypeVar("T")


async def redact(pool: asyncpg.Pool, finding: Finding) -> bool:
    """Redact one finding. Returns whether a row was changed: False for unchanged and derived ones."""
    if finding.treatment is Treatment.REVISED:
        revise = _merchant if finding.location.table == "projection" else _customer
        return await revise(pool, finding)
    if finding.treatment is not Treatment.REWRITTEN:
        return False
    rewrite: dict[str, Callable[[asyncpg.Pool, Finding], Any]] = {
        "cancellation_comments": _comment,
        "idempotency": _answer,
        "quarantine": _quarantined,
    }
    return bool(await rewrite[finding.location.table](pool, finding))


async def _customer(pool: asyncpg.Pool, finding: Finding) -> bool:
    """Change the profile as a merchant would: the next revision, published on the compacted topic."""
    merchant_id, id = map(UUID, finding.key)
    customers = CustomersTable(pool)
    at = await Tenants(pool, None).now(merchant_id)
    async with pool.acquire() as connection, connection.transaction():
        customer = await customers.locked(connection, merchant_id, id)
        if customer is None:
            return False
        profile = replace(
            customer.profile,
            **{
                name: _clean(value) for name in finding.location.columns if (value := getattr(customer.profile, name)) is not None
            },
        )
        if profile == customer.profile:
            return False
        changed = Customer(id, customer.revision + 1, profile)
        await customers.change(connection, Context.beginning(merchant_id, OPERATOR), changed, at)
    return True


async def _merchant(pool: asyncpg.Pool, finding: Finding) -> bool:
    merchant_id = UUID(finding.key[0])
    at = await Tenants(pool, None).now(merchant_id)
    async with PostgresEventStore(pool) as store:
        merchants = CommandHandler(store, replace(MERCHANT, rows=rows.of_merchant))
        _, merchant = await merchants.state(merchant_id, merchant_id)
        if merchant is None:
            return False
        command = Reconfigure(_clean_profile(merchant.profile), at)
        handled = await merchants.handle(Context.beginning(merchant_id, OPERATOR), merchant_id, command)
    return bool(handled.outcome and handled.outcome.events)


def _clean_profile(profile: MerchantProfile) -> ProfilePatch:
    """Names only the fields that change: a field without a card number keeps what the merchant writes meanwhile."""
    legal, branding, tax = profile.legal, profile.branding, profile.tax
    cleaned = replace(legal, name=_clean(legal.name), address=_clean(legal.address), tax_id=_cleaned(legal.tax_id))
    email, note = _cleaned(branding.contact_email), _cleaned(profile.invoice_note)
    cleaned_tax = replace(tax, name=_clean(tax.name)) if tax else None
    return ProfilePatch(
        name=_changed(profile.name, _clean(profile.name)),
        legal=_changed(legal, cleaned),
        branding=BrandingPatch(contact_email=_changed(branding.contact_email, email)),
        tax=_changed(tax, cleaned_tax),
        invoice_note=_changed(profile.invoice_note, note),
    )


def _changed(before: T, after: T) -> T | Unchanged:
    return UNCHANGED if after == before else after


async def _comment(pool: asyncpg.Pool, finding: Finding) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        where = "WHERE merchant_id = $1 AND subscription_id = $2"
        key = tuple(map(UUID, finding.key))
        comment = await connection.fetchval(f"SELECT comment FROM cancellation_comments {where} FOR UPDATE", *key)
        if comment is None:
            return False
        await connection.execute(f"UPDATE cancellation_comments SET comment = $3 {where}", *key, _clean(comment))
    return True


async def _answer(pool: asyncpg.Pool, finding: Finding) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        where = "WHERE (merchant_id, subject, route, key) = ($1, $2, $3, $4)"
        key = UUID(finding.key[0]), *finding.key[1:]
        answer = await connection.fetchval(f"SELECT answer::text FROM idempotency {where} FOR UPDATE", *key)
        if answer is None:
            return False
        cleaned = json.dumps(_within(json.loads(answer)))
        await connection.execute(f"UPDATE idempotency SET answer = $5::text::json {where}", *key, cleaned)
    return True


async def _quarantined(pool: asyncpg.Pool, finding: Finding) -> bool:
    """Clean the error. Delete the value of a settled record; before that, the record may have to be handled again."""
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow("SELECT error, state FROM quarantine WHERE id = $1 FOR UPDATE", int(finding.key[0]))
        if row is None:
            return False
        delete_value = row["state"] in ("handled", "discarded") and any(field != "error" for field in finding.fields)
        await connection.execute(
            "UPDATE quarantine SET error = $2, value = CASE WHEN $3 THEN NULL ELSE value END WHERE id = $1",
            int(finding.key[0]),
            _clean(row["error"]),
            delete_value,
        )
    return delete_value or "error" in finding.fields


def _within(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            name: _clean(value) if name in TEXTS and isinstance(value, str) else _within(value) for name, value in content.items()
        }
    return [_within(value) for value in content] if isinstance(content, list) else content


def _clean(text: str) -> str:
    return redact_cards(text, CARD_MARK)


def _cleaned(text: str | None) -> str | None:
    return _clean(text) if text else None
