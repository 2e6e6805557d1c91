"""Every column with free text is searched for card numbers. The other columns are listed here."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portalctl.cards.locations import LOCATIONS
from portalctl.cards.search import holds_card, texts

ROOT = Path(__file__).parents[3] / "services"
SERVICES = {**{name: name for name in ("subscriptions", "payments", "invoicing")}, "portal_gateway": "portal-gateway"}
"""By database."""
OTHERS = {
    "accepted_command": "aggregate detail kind",
    "attempt": "brand code currency last4 provider reference status",
    "bill_to": "sealed",
    "blocked_streams": "kind stream",
    "card_refusal": "code",
    "collection": "currency number state",
    "credit_notes": "series",
    "customer_keys": "wrapped wrapped_by",
    "customer_view": "panes",
    "customers": "country locale",
    "dispute": "currency reason reference status",
    "due_rebuild": "projection",
    "events": "headers name stream topic value",
    "freshness": "service",
    "idempotency": "fingerprint key route subject",
    "image": "content sha256",
    "inbox": "consumer_group",
    "invoice_link": "created_by digest locale pepper",
    "invoice_session": "digest paying",
    "invoices": "card series status",
    "logo": "content sha256",
    "media": "bytes id",
    "movements": "brand currency kind last4 reason reference status",
    "offsets": "cluster_id consumer_group topic topic_id",
    "one_at_a_time": "name who",
    "one_time_method": "provider",
    "outbox": "headers key topic",
    "payment_method": "brand fingerprint last4 provider",
    "portal_link": "created_by digest flow kind locale pepper return_url",
    "portal_session": "digest",
    "projection": "aggregate name",
    "quarantine": "aggregate consumer_group headers key state topic value_sha256",
    "refund": "code currency reason reference status",
    "relay": "ends",
    "sandbox_behaviour": "mode",
    "sandbox_challenge": "code currency reference secret_sha256",
    "sandbox_charge": "code currency reference",
    "sandbox_key": "key",
    "sandbox_method": "authentication brand fingerprint last4 on_charge on_refund on_setup",
    "sandbox_refund": "outcome reference",
    "sandbox_token": "sha256",
    "series": "name",
    "setup": "colour due locale provider purpose session",
    "stripe_account": "key_last4 mode sealed state wrapped wrapped_by",
    "stripe_broken": "key mode",
    "stripe_customer": "mode reference",
    "stripe_event": "event_id type",
    "stripe_intent": "code mode provider_code reference remedy",
    "stripe_method": "customer fingerprint mode reference",
    "stripe_setup": "customer mode reference",
    "timers": "kind name",
    "use_of_limit": "name who",
    "waiting": "aggregate name",
    "watermark": "ends service",
}
"""Table -> its columns with codes, ids, names of ours, digests, keys and pictures; with what another column holds too
(`events.value`); and with an address of a merchant's own site (`portal_link.return_url`)."""


def columns(database: str) -> Iterator[str]:
    """`table.column` of each column that can hold text."""
    package = ROOT / SERVICES[database] / "src" / database / "migrations"
    for script in sorted([*package.glob("*.sql"), *(ROOT.parent / "chassis/src/chassis/postgres/migrations").glob("*.sql")]):
        for table, body in re.findall(r"(?:CREATE|ALTER) TABLE (?:IF NOT EXISTS )?(\w+) (.*?);\n", script.read_text(), re.DOTALL):
            for column in re.findall(r"(?:^|ADD COLUMN)\s+(\w+)\s+(?:text|json|jsonb|bytea)\b", body, re.MULTILINE):
                yield f"{table}.{column}"


@pytest.mark.parametrize("database", SERVICES)
def test_every_column_with_free_text_is_searched(database: str) -> None:
    searched = {
        f"{location.table}.{column}" for location in LOCATIONS if location.database == database for column in location.columns
    }
    defined = set(columns(database))
    others = {f"{table}.{column}" for table, names in OTHERS.items() for column in names.split()}
    assert defined - searched - others == set()
    assert searched <= defined
    assert not searched & others


def test_the_known_fields_of_a_document_are_its_texts_at_any_depth() -> None:
    document = b'{"id": "4111111111111111", "plan": {"name": "a", "lines": [{"plan_name": "b", "currency": "c"}]}, "error": "d"}'
    assert list(texts(document, "doc")) == [("doc.plan.name", "a"), ("doc.plan.lines.plan_name", "b"), ("doc.error", "d")]
    assert list(texts("plain", "comment")) == [("comment", "plain")]
    assert list(texts(b"\xff no JSON", "value")) == [("value", "\ufffd no JSON")]
    assert list(texts(None, "value")) == []


def test_names_are_searched_and_ids_are_not() -> None:
    assert not holds_card({"id": "4111 1111 1111 1111"})
    assert holds_card({"customer": {"name": "4111 1111 1111 1111"}})
    assert holds_card('{"customer": {"address": "4111.1111.1111.1111"}}')
