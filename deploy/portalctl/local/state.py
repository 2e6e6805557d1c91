"""`.portal/state.json`: what scripts, tests and other tools know about the running stack. Fields are only added."""

from typing import Any

from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.locking import held

_WAIT_SECONDS = 10.0


def read_state(folder: Folder) -> dict[str, Any]:
    """Empty before the first start."""
    return read_json(folder.state)


def update_state(folder: Folder, **fields: Any) -> dict[str, Any]:
    """Replace these top-level fields, keep the others: the supervisor and the demo write different ones."""
    with held(folder.root / "state.lock", wait_seconds=_WAIT_SECONDS):
        state = read_json(folder.state) | fields
        write_json(folder.state, state)
    return state
