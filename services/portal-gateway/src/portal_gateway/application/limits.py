"""How often a customer may do something. Wall clock; all processes of the gateway share the counts."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `times` uses in the last `per`, counted for each customer, link or network."""

    name: str
    times: int
    per: timedelta
    counted_max: int | None = None
    """The number of counters that exist at a time. Where clients can invent new ones, further ones are not counted."""


_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
LONGEST_PERIOD = _HOUR
"""Uses older than this are deleted."""

REFUSED_LINKS = Limit("refused_links", 60, 10 * _MINUTE, counted_max=10_000)
"""Per network, for links that were refused. A valid link works regardless of how many refused ones came from the network."""
CARD_SETUPS = Limit("card_setups", 60, _HOUR)
"""Per customer, like those below."""
REFUSED_CARDS = Limit("refused_cards", 5, _HOUR)
REFUSED_CARDS_OF_LINK = Limit("refused_cards_of_link", 20, _HOUR)
"""Per link."""
INVOICE_LINKS = Limit("invoice_links", 20, _HOUR)
"""Links to an invoice that a customer creates."""
SHARED_CARD_SETUPS = Limit("shared_card_setups", 20, _HOUR)
"""Per shared invoice, like the next ones."""
SHARED_REFUSED_CARDS = Limit("shared_refused_cards", 5, _HOUR)
SHARED_PAYMENTS = Limit("shared_payments", 20, _HOUR)
SHARED_PDFS = Limit("shared_pdfs", 60, _HOUR)
CANCELLATIONS = Limit("cancellations", 60, _HOUR)
PAYMENTS = Limit("payments", 60, _HOUR)
CARD_CHANGES = Limit("card_changes", 60, _HOUR)
PDFS = Limit("pdfs", 120, _HOUR)
EXPORTS = Limit("exports", 10, _HOUR)
