"""No query reaches beyond one merchant, and none of the customer's surface beyond one customer."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest
from architecture.statements import Statement, constants_of, statements, tables_with

from support.python_sources import parsed

SERVICES = Path(__file__).parents[2] / "services"
SOURCES = {
    "subscriptions": SERVICES / "subscriptions/src/subscriptions",
    "payments": SERVICES / "payments/src/payments",
    "invoicing": SERVICES / "invoicing/src/invoicing",
    "portal_gateway": SERVICES / "portal-gateway/src/portal_gateway",
}
MIGRATIONS = [
    SERVICES.parent / "chassis/src/chassis/postgres/migrations",
    *(source / "migrations" for source in SOURCES.values()),
]

_SESSION = "a session is looked up by the digest of its secret, and has its merchant and customer"
BEYOND_A_MERCHANT = {
    "subscriptions/src/subscriptions/adapters/tables/clock_jobs.py": (1, "the worker claims the jobs of all merchants"),
    "subscriptions/src/subscriptions/adapters/tables/comments.py": (1, "expired comments of all merchants are deleted"),
    "payments/src/payments/adapters/charge_queue.py": (
        3,
        "the worker claims the due work of all merchants",
    ),
    "payments/src/payments/adapters/authentications.py": (1, "the confirm page looks a set-up up by its secret id"),
    "payments/src/payments/adapters/removed_methods.py": (1, "the worker claims the removed cards of all merchants"),
    "payments/src/payments/adapters/reported_methods.py": (1, "the worker claims the reported cards of all merchants"),
    "payments/src/payments/adapters/one_time_methods.py": (1, "the worker claims the cards of all merchants"),
    "payments/src/payments/adapters/stripe/accounts.py": (
        1,
        "a webhook's endpoint names its account; operators see all refused ones",
    ),
    "payments/src/payments/adapters/stripe/catching_up.py": (1, "the worker claims the accounts of all merchants"),
    "payments/src/payments/adapters/stripe/events.py": (1, "old events of all merchants are deleted"),
    "payments/src/payments/adapters/setups.py": (1, "the card page looks a set-up up by its secret id"),
    "portal-gateway/src/portal_gateway/adapters/storage/invoice_links.py": (1, _SESSION),
    "portal-gateway/src/portal_gateway/adapters/storage/sessions.py": (1, _SESSION),
    "portal-gateway/src/portal_gateway/adapters/storage/sessions_sql.py": (1, _SESSION),
    "portal-gateway/src/portal_gateway/adapters/storage/cleanup.py": (1, "expired rows of all merchants are deleted"),
    "portal-gateway/src/portal_gateway/adapters/storage/view_backfill.py": (1, "the waiting views of all merchants are composed"),
}
"""file -> how many tables one of its statements reaches without naming their merchant, and why."""
SURFACE = {
    "payments/src/payments/adapters/collections.py": (1, "an invoice's owner is read to be compared; its payments are counted"),
    "payments/src/payments/adapters/payment_queries.py": (
        1,
        "an invoice's refund is read beside its attempts, which are bound; the route compares the owner of a card",
    ),
    "invoicing/src/invoicing/adapters/invoice_queries.py": (
        1,
        "a profile is looked up by its aggregate's name; an invoice beside its movement",
    ),
    "portal-gateway/src/portal_gateway/adapters/storage/sessions.py": (1, _SESSION),
    "portal-gateway/src/portal_gateway/adapters/storage/views.py": (
        2,
        "the rows of the merchant and of freshness have no customer",
    ),
}
"""file that answers customers -> how many tables one of its statements reaches without naming their customer, and why."""


@cache
def tables(column: str) -> frozenset[str]:
    return tables_with(column, (path for folder in MIGRATIONS for path in folder.glob("*.sql")))


@cache
def all_statements() -> Sequence[Statement]:
    return list(_all_statements())


def _all_statements() -> Iterator[Statement]:
    tenants = tables("merchant_id")
    for source in SOURCES.values():
        files = sorted(source.rglob("*.py"))
        known: dict[str, str] = {}
        for file in files:
            known |= constants_of(parsed(file))
        for file in files:
            yield from statements(file, str(file.relative_to(SERVICES)), tenants, known)


def most_unbound(queries: Iterable[Statement], column: str) -> dict[str, int]:
    """file -> the most tables that one of its statements reaches without binding the column; only where there are any."""
    most: dict[str, int] = {}
    for statement in queries:
        unbound = len(statement.mentions(tables(column))) - statement.bindings(column)
        if unbound > 0:
            most[statement.file] = max(unbound, most.get(statement.file, 0))
    return most


def test_every_statement_filters_by_merchant() -> None:
    queries = all_statements()
    assert len(queries) > 100
    assert most_unbound(queries, "merchant_id") == {file: most for file, (most, _) in BEYOND_A_MERCHANT.items()}


def test_every_insert_has_its_merchant() -> None:
    assert [each for each in all_statements() if each.adds_without("merchant_id", tables("merchant_id"))] == []


def test_every_query_for_customers_filters_by_customer() -> None:
    answering = [each for each in all_statements() if each.file in SURFACE]
    assert {each.file for each in answering} == SURFACE.keys()
    assert most_unbound(answering, "customer_id") == {file: most for file, (most, _) in SURFACE.items()}


def test_routes_contain_no_sql() -> None:
    """It is beside the one function that runs it, in an adapter of the database."""
    routes = ("/adapters/http/", "/adapters/api/", "/adapters/page/", "/adapters/links/")
    assert [(each.file, each.line) for each in all_statements() if any(folder in each.file for folder in routes)] == []


@pytest.mark.parametrize(
    "source",
    [
        'SQL = "SELECT doc FROM projection WHERE aggregate = $1"',
        'SQL = "UPDATE invoices SET status = $1 WHERE id = $2"',
        """SQL = f"SELECT {COLUMNS} FROM invoices JOIN movements USING (invoice_id) WHERE merchant_id = $1\"""",
        'SQL = "DELETE FROM " + "portal_link WHERE id = $1"',
        'SQL = "INSERT INTO invoices (id, number) VALUES ($1, $2)"',
        'SQL = "SELECT merchant_id FROM customers WHERE name = $1"',
    ],
)
def test_a_statement_without_filter_is_found(tmp_path: Path, source: str) -> None:
    file = tmp_path / "reading.py"
    file.write_text(f'"""Of invoices FROM projection."""\nCOLUMNS = "id, number"\n{source}\n')
    [statement] = statements(file, "reading.py", tables("merchant_id"), {})
    assert most_unbound([statement], "merchant_id") or statement.adds_without("merchant_id", tables("merchant_id"))
    assert (statement.file, statement.line) == ("reading.py", 3)
