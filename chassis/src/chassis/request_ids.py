"""A request's id: its answer returns it, and every log line of the request carries it."""

import re
from typing import Final

from starlette.requests import Request

from chassis.scope import SCOPE

HEADER: Final = "x-request-id"
_WELL_FORMED: Final = re.compile(r"[0-9a-f]{12,32}")


class Broken(Exception):
    """An answer broke off after it had begun: it has been logged, and the server only has to end the connection."""


def adopt(request: Request) -> None:
    """Continues under the id that another service gave its request: for callers that have shown that they are one."""
    given, here = request.headers.get(HEADER, ""), SCOPE.get()
    if here is not None and _WELL_FORMED.fullmatch(given):
        here.request_id = given
