"""The cursors of the payment history."""

from collections.abc import Mapping
from typing import Any

from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem
from portal_gateway.application.refusals import InvalidCursor


class HistoryCursors:
    def __init__(self, cursors: Cursors) -> None:
        self._cursors = cursors

    def encode(self, position: Mapping[str, Any]) -> str:
        return self._cursors.encode(position)

    def decode(self, cursor: str) -> Mapping[str, Any]:
        try:
            return self._cursors.decode(cursor)
        except Problem:
            raise InvalidCursor from None
