"""Request ids: in the response's header, and in every log line of the request."""

import re
from typing import Final

from starlette.requests import Request

from chassis.scope import SCOPE

HEADER: Final = "x-request-id"
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{12,32}")


class Broken(Exception):
    """A response failed after it had begun. The error has been logged; the server only closes the connection."""


def adopt(request: Request) -> None:
    """Use the request id of the calling service. Call it only for authenticated services."""
    caller_id, scope = request.headers.get(HEADER, ""), SCOPE.get()
    if scope is not None and _WELL_FORMED.fullmatch(caller_id):
        scope.request_id = caller_id
