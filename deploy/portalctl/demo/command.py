"""`portalctl demo`: the stack with a history."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from portalctl.demo import history
from portalctl.local.folder import Folder
from portalctl.local.state import update_state
from portalctl.settings import DEADLINE_SECONDS
from portalctl.status_report import show_addresses
from portalctl.terminal import progress, say

_SHOWN_SHARE = 0.1


def show_demo(folder: Folder, state: dict[str, Any], deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Create the history if this stack has none, then show the links. Raises StackError."""
    if "customers" not in state:
        state = update_state(folder, **asyncio.run(_create_history(state, deadline_seconds)))
    elif moved := links_here(state):
        state = update_state(folder, **moved)
    show_addresses(state)
    say("")
    show_customers(state)


def show_customers(created: Mapping[str, Any]) -> None:
    """The customers with their links, a link to an unpaid invoice, and PORTAL_URL for scripts."""
    for name, customer in created["customers"].items():
        say(f"{name:<16}{customer['story']}\n{'':<16}{customer['portal_url']}")
    if created.get("invoice_url"):
        say(f"{'invoice link':<16}one unpaid invoice, for the person who pays it\n{'':<16}{created['invoice_url']}")
    say("")
    say(f"PORTAL_URL={created['portal_url']}")


def links_here(state: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with links, changed to this stack's address; empty if they have it already. They differ after a change of ports,
    and in a copied folder."""
    here: str = state["urls"]["portal-gateway"]

    def moved(link: str) -> str:
        parts = urlsplit(link)
        return here + link.removeprefix(f"{parts.scheme}://{parts.netloc}")

    customers = {
        name: {**one, "portal_url": moved(one["portal_url"])} if "portal_url" in one else one
        for name, one in state["customers"].items()
    }
    links = {name: moved(state[name]) for name in ("portal_url", "invoice_url") if state.get(name)}
    fields = {"customers": customers, **links}
    return {} if all(state[name] == value for name, value in fields.items()) else fields


class Shown:
    """Shows the finished share, in steps of a tenth."""

    def __init__(self) -> None:
        self._share = 0.0
        progress("creating the history")

    def __call__(self, share: float) -> None:
        if share >= self._share + _SHOWN_SHARE:
            self._share = share
            progress(f"creating the history: {share:.0%}")


async def _create_history(state: dict[str, Any], deadline_seconds: float) -> dict[str, Any]:
    created = await history.create(state["urls"], state["operator_key"], Shown(), deadline_seconds, state["logs"])
    progress("the history is complete")
    return created
