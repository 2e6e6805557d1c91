"""Stored and public names stay as they are; public_names.json is the list of them."""

import pytest
from architecture.public_names import COLLECTORS, committed, differences, names_now
from architecture.sql_definitions import Definitions, UnknownStatement

TABLE = """
-- A comment; with a semicolon.
CREATE TABLE lamp (
    id   uuid NOT NULL,
    mode text NOT NULL CHECK (mode IN ('on', 'off')),
    CONSTRAINT lamp_once UNIQUE (id, mode)
);
CREATE INDEX lamp_mode ON lamp (mode);
"""


@pytest.mark.parametrize("kind", COLLECTORS)
def test_names_are_the_listed_ones(kind: str) -> None:
    now = names_now(kind)
    assert now
    assert differences(kind, committed().get(kind, []), now) == []


def test_a_removed_name_is_reported_with_what_to_do() -> None:
    (sentence,) = differences("metrics", ["gauge lag{topic}"], [])
    assert sentence.startswith("metrics: `gauge lag{topic}` is gone.")
    assert "restore it" in sentence


def test_an_added_name_is_reported_with_the_command_that_adds_it() -> None:
    (sentence,) = differences("metrics", [], ["gauge lag{topic}"])
    assert sentence.startswith("metrics: `gauge lag{topic}` is new.")
    assert sentence.endswith("--write")


def test_a_changed_name_is_reported_as_removed_and_added() -> None:
    assert len(differences("metrics", ["gauge lag{topic}"], ["gauge lag{topic, partition}"])) == 2


def test_definitions_of_sql_are_read_with_their_constraints() -> None:
    definitions = Definitions()
    definitions.execute(TABLE)
    assert definitions.lines() == [
        "lamp.id uuid NOT NULL",
        "lamp.mode text NOT NULL CHECK (mode IN ('on', 'off'))",
        "lamp: CONSTRAINT lamp_once UNIQUE (id, mode)",
        "INDEX lamp_mode ON lamp (mode)",
    ]


def test_later_statements_change_earlier_definitions() -> None:
    definitions = Definitions()
    definitions.execute(TABLE)
    definitions.execute("ALTER TABLE lamp ADD COLUMN colour text, ADD COLUMN watts int; DROP INDEX lamp_mode;")
    assert definitions.lines()[-2:] == ["lamp.colour text", "lamp.watts int"]


def test_a_dropped_primary_key_is_gone() -> None:
    definitions = Definitions()
    definitions.execute("CREATE TABLE lamp (id uuid NOT NULL, PRIMARY KEY (id)); ALTER TABLE lamp DROP CONSTRAINT lamp_pkey;")
    assert definitions.lines() == ["lamp.id uuid NOT NULL"]


def test_an_unknown_form_of_sql_is_refused() -> None:
    with pytest.raises(UnknownStatement):
        Definitions().execute("ALTER TABLE lamp RENAME TO candle;")
