"""Everything that a customer can see, state by state: what is checked in a browser, and pictured, is this list."""

from typing import Final

from browser import (
    gallery_cards,
    gallery_dialogs,
    gallery_extremes,
    gallery_pages,
    gallery_paying,
    gallery_portal,
    gallery_troubles,
)
from browser.gallery_opening import State

STATES: Final[dict[str, State]] = {
    state.name: state
    for state in (
        *gallery_portal.STATES,
        *gallery_pages.STATES,
        *gallery_dialogs.STATES,
        *gallery_cards.STATES,
        *gallery_paying.STATES,
        *gallery_extremes.STATES,
        *gallery_troubles.STATES,
    )
}
