"""Moves a sandbox's clock through every instant at which something is due, so that nothing is skipped or reordered."""

from datetime import datetime

from subscriptions.application.ports import MerchantTime


async def advance(merchant: MerchantTime, to: datetime) -> None:
    """Move the clock to `to`, and give every command that is due on the way. Can be interrupted and repeated."""
    while True:
        await merchant.settled()
        due, now = await merchant.next_due(), await merchant.now()
        if due is None or due > max(to, now):
            break
        if due > now:
            await merchant.set_clock(due)
        await merchant.fire_due(max(due, now))
    if to > now:
        await merchant.set_clock(to)
