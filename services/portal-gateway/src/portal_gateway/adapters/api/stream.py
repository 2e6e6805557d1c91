"""What a watching browser is told, as server-sent events."""

import json
from typing import Final

from portal_gateway.application.live import Ended, Pulse, Replaced, Update

COME_BACK_MILLISECONDS: Final = 60_000
"""A browser comes back after three seconds unless it is asked to wait: then it would replace another stream of the session."""


def sse(told: Update | Pulse | Ended | Replaced) -> str:
    match told:
        case Update(revision, panes):
            data = json.dumps({"revision": revision, "panes": list(panes)}, separators=(",", ":"))
            return f"id: {revision}\ndata: {data}\n\n"
        case Pulse(mark):
            return f': all is well\nevent: pulse\ndata: {{"mark":"{mark}"}}\n\n'
        case Ended():
            return "event: ended\ndata: {}\n\n"
        case Replaced():
            return f"retry: {COME_BACK_MILLISECONDS}\n\n"
