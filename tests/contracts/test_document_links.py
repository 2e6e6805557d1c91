"""Links and names of events in the contracts' documents."""

import re
from pathlib import Path

import pytest

from billing_contracts.registry import EVENTS
from contract_documents.files import CONTRACTS

DOCUMENTS = [CONTRACTS / "README.md", CONTRACTS / "what-sums-to-what.md"]
EVENT = re.compile(r"`((?:Subscription|Payment|Invoice|Customer|Merchant|Plan)[A-Z]\w+)(?:\.(\w+))?`")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_resolves_to_a_file_and_a_heading(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text()):
        file, _, fragment = link.partition("#")
        target = document.parent / file if file else document
        assert target.exists(), link
        if fragment:
            assert fragment in {anchor(heading) for heading in re.findall(r"^#+ (.+)$", target.read_text(), re.MULTILINE)}, link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_event_and_field_that_is_named_exists(document: Path) -> None:
    events = {event.__name__: event for event in EVENTS.values()}
    named = EVENT.findall(document.read_text())
    assert named
    for event, field in named:
        assert event in events
        assert not field or field in events[event].model_fields
