"""I15: each idempotency key has one answer, and what the answer names is there."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from verify.recorded_state import RecordedState
from verify.rows import Name, Row


def answered_once(world: RecordedState) -> Iterator[str]:
    for database, snapshot in world.snapshots.items():
        versions = {name: rows[-1].version for name, rows in world.folded[database].rows.items()}
        rows = snapshot.rows("idempotency")
        keys = Counter((row["merchant_id"], row["subject"], row["route"], row["key"]) for row in rows)
        yield from (f"{database}: {key[2]} with key {key[3]} has {times} answers" for key, times in keys.items() if times > 1)
        for row in rows:
            yield from (f"{database}: {row['route']} with key {row['key']} {wrong}" for wrong in _wrong(row, versions))
    customers = {(row["merchant_id"], str(row["id"])) for row in world.rows("subscriptions", "customers")}
    for row in world.rows("subscriptions", "idempotency"):
        made = row["status"] == 201 and row["route"] == "POST /v1/customers"
        if made and (row["merchant_id"], row["answer"].get("id")) not in customers:
            yield f"subscriptions: {row['route']} with key {row['key']} made a customer that is not there"


def _wrong(row: Row, versions: Mapping[Name, int]) -> Iterator[str]:
    if not 200 <= row["status"] < 500:
        yield f"has no answer (status {row['status']})"
    for aggregate, version in _named(row["answer"]):
        if versions.get((row["merchant_id"], aggregate), 0) < version:
            yield f"was answered with {aggregate} version {version}, which is not there"


def _named(answer: Any) -> Iterator[tuple[str, int]]:
    """Every aggregate with its version, at whatever depth."""
    match answer:
        case {"aggregate": str() as aggregate, "version": int() as version}:
            yield aggregate, version
    inner = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
    for each in inner:
        yield from _named(each)
