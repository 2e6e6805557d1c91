"""What a watching browser is told, as server-sent events."""

import json

from portal_gateway.application.live import Ended, Pulse, Update


def sse(told: Update | Pulse | Ended) -> str:
    match told:
        case Update(revision, panes):
            data = json.dumps({"revision": revision, "panes": list(panes)}, separators=(",", ":"))
            return f"id: {revision}\ndata: {data}\n\n"
        case Pulse(mark):
            return f': all is well\nevent: pulse\ndata: {{"mark":"{mark}"}}\n\n'
        case Ended():
            return "event: ended\ndata: {}\n\n"
