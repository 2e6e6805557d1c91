"""Moves merchants' cards to another provider: a mapping file, and the API of payments for each of its lines."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx

from chassis.card_numbers.detection import has_card
from portalctl.links import describe_problem
from portalctl.local.errors import StackError
from portalctl.settings import DEADLINE_SECONDS

PATH = "/v1/payment-method-migrations"
COLUMNS = ("old", "new")
_TEMPORARY = (429, 502, 503, 504)

LineStatus: TypeAlias = Literal["possible", "migrated", "migrated_before", "refused", "unanswered"]
GOOD: tuple[LineStatus, ...] = ("possible", "migrated", "migrated_before")


class WrongMapping(Exception):
    """The file is not a mapping. The message names the line, never its content."""


@dataclass(frozen=True)
class MappedCard:
    line: int
    old: str
    new: str


@dataclass(frozen=True)
class Result:
    line: int
    old: str
    new: str
    status: LineStatus
    customer_id: str | None = None
    problem: str | None = None

    def __str__(self) -> str:
        return "\t".join([str(self.line), self.old, self.new, self.status, *([self.problem] if self.problem else [])])


@dataclass(frozen=True)
class Payments:
    """The address of payments, and a merchant's API key."""

    url: str
    api_key: str
    timeout_seconds: float = DEADLINE_SECONDS


def read_mapping(file: Path) -> list[MappedCard]:
    """A CSV file with the columns `old` and `new`; other columns are ignored. Raises WrongMapping."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, strict=True)
            if any(column not in (reader.fieldnames or ()) for column in COLUMNS):
                raise WrongMapping("the first line must name the columns old and new, separated by a comma")
            cards = [MappedCard(reader.line_num, *(_named(row, column, reader.line_num) for column in COLUMNS)) for row in reader]
    except UnicodeDecodeError:
        raise WrongMapping("the file is not UTF-8 text") from None
    except csv.Error as error:
        raise WrongMapping(f"the file is not CSV: {error}") from None
    except OSError as error:
        raise WrongMapping(f"{file} cannot be read: {error.strerror}") from None
    _check_unique(cards)
    return cards


def _named(row: dict[str, Any], column: str, line: int) -> str:
    value = (row[column] or "").strip()
    if has_card(value):
        raise WrongMapping(f"line {line} contains what looks like a card number; expected ids of cards")
    if not value or len(value) > 100 or not all(each.isascii() and (each.isalnum() or each in "_-") for each in value):
        raise WrongMapping(f"line {line} has no id in the column {column}; expected letters, digits, - and _")
    return value


def _check_unique(cards: list[MappedCard]) -> None:
    for column in COLUMNS:
        lines: dict[str, int] = {}
        for card in cards:
            first = lines.setdefault(getattr(card, column), card.line)
            if first != card.line:
                raise WrongMapping(f"lines {first} and {card.line} have the same id in the column {column}")


def migrate(payments: Payments, cards: list[MappedCard], *, dry_run: bool) -> Iterator[Result]:
    """One result for each card, in order. Raises StackError if payments cannot be reached or refuses the API key."""
    headers = {"authorization": f"Bearer {payments.api_key}"}
    timeout = payments.timeout_seconds
    with httpx.Client(base_url=payments.url, headers=headers, trust_env=False, timeout=timeout) as client:
        for card in cards:
            body = {"old": card.old, "new": card.new, "dry_run": dry_run}
            try:
                answer = client.post(PATH, json=body)
            except httpx.TimeoutException:
                raise StackError(f"payments does not answer at {payments.url} within {timeout:g} s") from None
            except (httpx.TransportError, httpx.InvalidURL) as error:
                raise StackError(f"payments does not answer at {payments.url}: {error}") from error
            yield _result(card, answer, payments.url)


def _result(card: MappedCard, answer: httpx.Response, url: str) -> Result:
    ids = card.line, card.old, card.new
    if answer.status_code in (401, 403):
        raise StackError(f"payments answered {answer.status_code}: {describe_problem(answer)}")
    if answer.is_error:
        status: LineStatus = "unanswered" if answer.status_code in _TEMPORARY else "refused"
        return Result(*ids, status, problem=describe_problem(answer))
    try:
        body = answer.json()
        return Result(*ids, body["status"], body["customer_id"])
    except (ValueError, KeyError, TypeError):
        raise StackError(f"the server at {url} is not payments") from None


def as_json(results: list[Result], *, dry_run: bool) -> dict[str, Any]:
    return {"dry_run": dry_run, "counts": counts(results), "cards": [asdict(each) for each in results]}


def counts(results: list[Result]) -> dict[str, int]:
    """How many cards have each status that occurs."""
    return dict(Counter(each.status for each in results))


def payments_of(
    state: dict[str, Any], merchant: str | None, api_key: str | None, url: str | None, seconds: float = DEADLINE_SECONDS
) -> Payments:
    """Payments with the key of a merchant in state.json, unless key and URL are given. Raises StackError."""
    merchants = state.get("merchants", {})
    if api_key is None:
        named = merchants.get(merchant) if merchant else None
        if named is None:
            known = ", ".join(merchants) or "none"
            raise StackError(f"no such merchant in state.json (known: {known}): give --merchant or --api-key")
        api_key = named["api_key"]
    address = url or state.get("urls", {}).get("payments")
    if address is None:
        raise StackError("no stack was started here: run portalctl up first, or give --url")
    return Payments(address, api_key, seconds)
