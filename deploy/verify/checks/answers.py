"""I15: each idempotency key has one answer, and everything that the answer names exists."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from verify.recorded_state import RecordedState
from verify.rows import Name, Row


def answered_once(recorded: RecordedState) -> Iterator[str]:
    for database, snapshot in recorded.snapshots.items():
        versions = {name: rows[-1].version for name, rows in recorded.folded[database].rows.items()}
        rows = snapshot.rows("idempotency")
        keys = Counter((row["merchant_id"], row["subject"], row["route"], row["key"]) for row in rows)
        yield from (f"{database}: {key[2]} with key {key[3]} has {times} answers" for key, times in keys.items() if times > 1)
        for row in rows:
            yield from (f"{database}: {row['route']} with key {row['key']} {wrong}" for wrong in _wrong(row, versions))
    customers = {(row["merchant_id"], str(row["id"])) for row in recorded.rows("subscriptions", "customers")}
    for row in recorded.rows("subscriptions", "idempotency"):
        created = row["status"] == 201 and row["route"] == "POST /v1/customers"
        if created and (row["merchant_id"], row["answer"].get("id")) not in customers:
            yield f"subscriptions: {row['route']} with key {row['key']} created a customer that does not exist"


def _wrong(row: Row, versions: Mapping[Name, int]) -> Iterator[str]:
    if not 200 <= row["status"] < 500:
        yield f"has no answer (status {row['status']})"
    for aggregate, version in _named(row["answer"]):
        if versions.get((row["merchant_id"], aggregate), 0) < version:
            yield f"was answered with {aggregate} version {version}, which does not exist"


def _named(answer: Any) -> Iterator[tuple[str, int]]:
    """Every aggregate with its version, at any depth."""
    match answer:
        case {"aggregate": str() as aggregate, "version": int() as version}:
            yield aggregate, version
    inner = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
    for each in inner:
        yield from _named(each)
