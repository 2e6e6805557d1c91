"""`.portal/state.json`: addresses, keys and data of the stack, for scripts and tests. Fields are only added."""

from typing import Any

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, read_json, write_json
from portalctl.local.locks import Held, held

_WAIT_SECONDS = 10.0


def read_state(folder: Folder) -> dict[str, Any]:
    """Empty before the first start."""
    return read_json(folder.state)


def update_state(folder: Folder, *, wait_seconds: float = _WAIT_SECONDS, **fields: Any) -> dict[str, Any]:
    """Replace these top-level fields and keep the others: supervisor and demo write different ones. Raises StackError."""
    try:
        with held(folder.root / "state.lock", wait_seconds=wait_seconds):
            state = read_json(folder.state) | fields
            write_json(folder.state, state)
    except Held:
        raise StackError(f"{folder.root / 'state.lock'} is held by another process for {wait_seconds:g} s") from None
    return state
