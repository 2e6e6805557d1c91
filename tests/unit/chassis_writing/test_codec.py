"""Private events are kept under names and versions of their own, and read as today's classes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

import pytest

from chassis.eventsourcing.codec import Codec


class Colour(StrEnum):
    WARM = "warm"


@dataclass(frozen=True, slots=True)
class Span:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Lit:
    lamp: UUID
    span: Span
    colour: Colour | None
    days: tuple[int, ...] = ()


NOON = datetime(2023, 5, 20, 12, tzinfo=UTC)
LIT = Lit(UUID(int=1), Span(NOON, NOON), Colour.WARM, (1, 3))


def test_an_event_comes_back_as_it_was() -> None:
    codec = Codec({"lit": Lit})
    name, version, body = codec.encode(LIT)
    assert (name, version, codec.decode(name, version, body)) == ("lit", 1, LIT)


def test_the_class_may_move_and_be_renamed() -> None:
    body = Codec({"lit": Lit}).encode(LIT)[2]
    assert "Lit" not in body
    assert "test_codec" not in body


def test_an_old_event_is_lifted_version_by_version() -> None:
    codec = Codec(
        {"lit": Lit},
        {
            ("lit", 1): lambda old: {**old, "span": {"start": old["at"], "end": old["at"]}},
            ("lit", 2): lambda old: {**old, "colour": None},
        },
    )
    old = f'{{"lamp": "{UUID(int=1)}", "at": "2023-05-20T12:00:00Z"}}'
    assert codec.decode("lit", 1, old) == Lit(UUID(int=1), Span(NOON, NOON), None)
    assert codec.encode(LIT)[1] == 3


def test_an_upcaster_after_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="gap"):
        Codec({"lit": Lit}, {("lit", 2): dict})


def test_what_newer_code_wrote_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="newer"):
        Codec({"lit": Lit}).decode("lit", 2, "{}")


def test_a_body_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="lamp"):
        Codec({"lit": Lit}).decode("lit", 1, "{}")
