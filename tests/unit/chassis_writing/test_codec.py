"""Private events are stored under explicit names and versions, and read as the current classes."""

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


def test_an_event_survives_a_round_trip() -> None:
    codec = Codec({"lit": Lit})
    name, version, body = codec.encode(LIT)
    assert (name, version, codec.decode(name, version, body)) == ("lit", 1, LIT)


def test_the_stored_form_contains_no_class_or_module_name() -> None:
    body = Codec({"lit": Lit}).encode(LIT)[2]
    assert "Lit" not in body
    assert "test_codec" not in body


def test_an_old_event_is_upcast_version_by_version() -> None:
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


def test_an_event_of_a_newer_version_is_refused() -> None:
    with pytest.raises(ValueError, match="newer"):
        Codec({"lit": Lit}).decode("lit", 2, "{}")


def test_an_invalid_body_is_refused() -> None:
    with pytest.raises(ValueError, match="lamp"):
        Codec({"lit": Lit}).decode("lit", 1, "{}")
