"""Links as mail programs deliver them: one table for the server (tests/unit) and for the page's script (tests/browser)."""

import json
from pathlib import Path
from typing import Any

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("delivered_links.json").read_text())
