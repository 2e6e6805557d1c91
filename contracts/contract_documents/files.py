"""Paths of the contracts' files."""

from pathlib import Path

CONTRACTS = Path(__file__).parents[1]
SCHEMAS = CONTRACTS / "schemas"
SAMPLES = CONTRACTS / "samples"
HISTORY_LINE = CONTRACTS / "history-line.json"
ASYNCAPI = CONTRACTS / "asyncapi.yaml"
PAGE = CONTRACTS / "events.html"
