"""How often is too often. Wall clock; counts are shared by all of the gateway's processes."""

from datetime import timedelta

from portal_gateway.application.ports import Limit

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
LONGEST = _HOUR
"""For which any use is remembered."""

REFUSED_LINKS = Limit("refused_links", 60, 10 * _MINUTE, apart=10_000)
"""By address, and of links that open nothing only: a good link works however many bad ones came from there."""
CARD_SETUPS = Limit("card_setups", 60, _HOUR)
"""By customer, like those below."""
REFUSED_CARDS = Limit("refused_cards", 5, _HOUR)
REFUSED_CARDS_OF_LINK = Limit("refused_cards_of_link", 20, _HOUR)
"""By link."""
CANCELLATIONS = Limit("cancellations", 60, _HOUR)
PAYMENTS = Limit("payments", 60, _HOUR)
PDFS = Limit("pdfs", 120, _HOUR)
EXPORTS = Limit("exports", 10, _HOUR)
