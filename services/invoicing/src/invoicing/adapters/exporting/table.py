"""The history as CSV (RFC 4180). A spreadsheet shows each cell as text, and runs none as a formula.

UTF-8 with BOM, ISO dates; one line per movement; per invoice the column of totals sums to its balance. Columns are separated by
commas, amounts have a decimal point; in regions with a decimal comma it is semicolons and commas, as spreadsheets there expect.
"""

import re
from collections.abc import AsyncGenerator, Iterable

from billing_contracts.money import Money
from invoicing.adapters.exporting.wording import Words
from invoicing.application.history import HistoryRow, Rows

BOM = "\ufeff"
_SEPARATOR = re.compile(r"[\",;|\t\r\n]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FORMULA = re.compile(r"(^|[;,|])([\s\"']*[=+\-@＝＋－＠])")  # spreadsheets accept the full-width signs too
_MONTH = (
    "ene(ro)?|jan(uary)?|feb(rero|ruary)?|mar(zo|ch)?|abr(il)?|apr(il)?|mayo?|jun(io|e)?|jul(io|y)?|ago(sto)?|aug(ust)?"
    "|sept?(iembre|ember)?|set(iembre)?|oct(ubre|ober)?|nov(iembre|ember)?|dic(iembre)?|dec(ember)?"
)
_VALUE = re.compile(rf"(?=.*\d)([\W\d_]|e|am|pm|de|{_MONTH})+|\s*(true|false|verdadero|falso)\s*", re.IGNORECASE)
"""Text that a spreadsheet would convert to a number, a date or a boolean: `007`, `1E-000005`, `mayo 2023`."""


async def as_csv(rows: Rows, words: Words) -> AsyncGenerator[bytes]:
    separator = ";" if words.decimal == "," else ","
    yield (BOM + _lines([words.header], separator)).encode()
    async for page in rows:
        yield _lines((cells(row, words) for row in page), separator).encode()


def cells(row: HistoryRow, words: Words) -> tuple[str, ...]:
    it = row.movement
    return (
        row.on.isoformat(),
        words.known[it.kind],
        harmless(row.number),
        harmless(row.plan_name),
        row.period_start.isoformat(),
        row.period_end.isoformat(),
        _amount(it.net, it.currency, words),
        _amount(it.tax, it.currency, words),
        _amount(it.total, it.currency, words),
        it.currency,
        _known(words, row.status),
        _known(words, it.brand),
        f"•••• {it.last4}" if it.last4 else "",
        _known(words, it.reason),
        harmless(it.reference or ""),
    )


def harmless(text: str) -> str:
    """A cell that a spreadsheet shows as it was typed, with any column separator."""
    line = _FORMULA.sub(r"\1'\2", _CONTROL.sub(" ", text))
    return f"'{line}" if _VALUE.fullmatch(line) and not line.startswith("'") else line


def _known(words: Words, code: str | None) -> str:
    return harmless(words.known.get(code, code)) if code else ""


def _amount(minor: int | None, currency: str, words: Words) -> str:
    return "" if minor is None else Money(amount_minor=minor, currency=currency).decimal().replace(".", words.decimal)


def _lines(rows: Iterable[tuple[str, ...]], separator: str) -> str:
    return "".join(separator.join(map(_quoted, row)) + "\r\n" for row in rows)


def _quoted(cell: str) -> str:
    """Quotes a cell with any separator, also an amount with a comma: some spreadsheets split columns at others than ours."""
    return '"' + cell.replace('"', '""') + '"' if _SEPARATOR.search(cell) else cell
