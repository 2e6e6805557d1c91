"""Live updates as server-sent events."""

import json
from typing import Final

from portal_gateway.application.live import Ended, Pulse, Replaced, Update

RECONNECT_MILLISECONDS: Final = 60_000
"""Browsers reconnect after three seconds by default, and a replaced stream would then replace another one of the session."""


def sse(message: Update | Pulse | Ended | Replaced) -> str:
    match message:
        case Update(revision, panes):
            data = json.dumps({"revision": revision, "panes": list(panes)}, separators=(",", ":"))
            return f"id: {revision}\ndata: {data}\n\n"
        case Pulse(mark):
            return f': all is well\nevent: pulse\ndata: {{"mark":"{mark}"}}\n\n'
        case Ended():
            return "event: ended\ndata: {}\n\n"
        case Replaced():
            return f"retry: {RECONNECT_MILLISECONDS}\n\n"
