"""What a watching browser is told, as server-sent events."""

import json

from portal_gateway.application.live import Ended, Silence, Update


def sse(told: Update | Silence | Ended) -> str:
    match told:
        case Update(revision, panes):
            data = json.dumps({"revision": revision, "panes": list(panes)}, separators=(",", ":"))
            return f"id: {revision}\ndata: {data}\n\n"
        case Silence():
            return ": all is well\n\n"
        case Ended():
            return "event: ended\ndata: {}\n\n"
