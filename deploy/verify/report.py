"""The operator's report: one line per invariant, checked or not, with the differences of violated ones."""

from typing import Any

from rich.console import Console
from rich.text import Text

from verify.invariants import Verdict
from verify.provider.books import Books
from verify.running import Result


def show(result: Result, console: Console, most: int) -> None:
    for verdict in result.verdicts:
        console.print(_line(verdict))
        for difference in verdict.differences[:most]:
            console.print(Text(f"       {difference}"))
        if (more := len(verdict.differences[most:]) + verdict.more) > 0:
            console.print(Text(f"       … and {more} more", style="dim"))
    console.print(Text(f"{result.events} events, {result.records} records, {result.seconds:.1f} s", style="dim"))


def show_books(books: Books, console: Console, most: int) -> None:
    word, style = ("ok", "green") if books.clean else ("broken", "bold red")
    sentence = f"Stripe's books of the last {books.days} days are ours"
    console.print(Text.assemble(("P   ", "bold"), (f"{word:<7}", style), sentence))
    for difference in books.differences[:most]:
        console.print(Text(f"       {difference}"))
    if (more := len(books.differences[most:]) + books.more) > 0:
        console.print(Text(f"       … and {more} more", style="dim"))
    seen = books.seen
    counted = f"{books.accounts} accounts, {seen['payment_intents']} payment intents, {seen['refunds']} refunds"
    console.print(Text(counted, style="dim"))


def as_json(result: Result, most: int) -> dict[str, Any]:
    invariants = [
        {
            "id": verdict.invariant.id,
            "sentence": verdict.invariant.sentence,
            "status": "not_checked" if verdict.not_checked else "ok" if verdict.holds else "broken",
            "differences": verdict.differences[:most],
            "further_differences": len(verdict.differences[most:]) + verdict.more,
        }
        for verdict in result.verdicts
    ]
    return {"invariants": invariants, "events": result.events, "records": result.records, "seconds": round(result.seconds, 1)}


def _line(verdict: Verdict) -> Text:
    if verdict.not_checked:
        what = f"{verdict.invariant.sentence}: {verdict.not_checked}"
        return Text.assemble((f"{verdict.invariant.id:<4}", "bold"), ("not checked ", "dim"), what)
    word, style = ("ok", "green") if verdict.holds else ("broken", "bold red")
    return Text.assemble((f"{verdict.invariant.id:<4}", "bold"), (f"{word:<7}", style), verdict.invariant.sentence)
