"""`demo`: the stack with the story told in it."""

import asyncio
from typing import Any

from rich.progress import Progress

from portalctl.demo import history
from portalctl.local.folder import Folder
from portalctl.local.state import update_state
from portalctl.overview import show_addresses
from portalctl.terminal import err, say


def tell(folder: Folder, state: dict[str, Any]) -> None:
    """Make the history when this stack has none, then say where to click. Raises StackError."""
    if "customers" not in state:
        state = update_state(folder, **asyncio.run(_make(state)))
    show_addresses(state)
    say("")
    for name, customer in state["customers"].items():
        say(f"{name:<16}{customer['story']}\n{'':<16}{customer['portal_url']}")
    say("")
    say(f"PORTAL_URL={state['portal_url']}")


async def _make(state: dict[str, Any]) -> dict[str, Any]:
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("making the history", total=1.0)
        return await history.make(state["urls"], state["operator_key"], lambda share: progress.update(task, completed=share))
