"""The table of what people type, paste or let a password manager fill in, and how a card field reads it.

One table for the server (tests/unit) and for the page's script (tests/browser).
"""

import json
from pathlib import Path
from typing import Any

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("card_fields.json").read_text())
