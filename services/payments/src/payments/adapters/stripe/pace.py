"""Limits the requests to one account, below Stripe's own limit."""

import asyncio

from payments.application.charges import Busy

WAIT_SECONDS_MAX = 2.0


class Pace:
    def __init__(self, per_second: float, burst: int) -> None:
        self._interval, self._burst = 1 / per_second, burst
        self._next = 0.0
        """When the request after those counted so far is due, if all are spread evenly."""

    async def wait(self) -> None:
        """Wait until another request may start. Raises Busy if that takes too long; then none is counted."""
        now = asyncio.get_running_loop().time()
        due = max(self._next, now)
        delay = due - now - self._interval * (self._burst - 1)
        if delay > WAIT_SECONDS_MAX:
            raise Busy("pace")
        self._next = due + self._interval
        if delay > 0:
            await asyncio.sleep(delay)
