"""Every state that a customer can see. The browser tests check this list, and the screenshots show it."""

from typing import Final

from browser import (
    gallery_cards,
    gallery_dialogs,
    gallery_extremes,
    gallery_pages,
    gallery_payments,
    gallery_portal,
    gallery_problems,
    gallery_shared,
    gallery_wallet,
)
from browser.gallery_states import State

STATES: Final[dict[str, State]] = {
    state.name: state
    for state in (
        *gallery_portal.STATES,
        *gallery_pages.STATES,
        *gallery_dialogs.STATES,
        *gallery_cards.STATES,
        *gallery_payments.STATES,
        *gallery_extremes.STATES,
        *gallery_problems.STATES,
        *gallery_wallet.STATES,
        *gallery_shared.STATES,
    )
}
