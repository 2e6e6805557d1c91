"""Chooses the customer's language."""

from functools import cache
from pathlib import Path

from presentation.languages import Catalogues, Language

LOCALES = Path(__file__).parents[2] / "locales"


@cache
def catalogues() -> Catalogues:
    """The languages of the page and the JSON API, read once per process."""
    return Catalogues(LOCALES)


def choose(
    *,
    query: str | None = None,
    cookie: str | None = None,
    link: str | None = None,
    customer: str | None = None,
    accept: str | None = None,
    merchant: str | None = None,
) -> Language:
    """The first supported language of `?lang`, cookie, link, customer, Accept-Language and merchant; else Spanish.

    If it is the merchant's language, the region is the merchant's too: amounts look as on the merchant's own site.
    """
    preferred = catalogues().preferred(accept, merchant)
    return catalogues().choose((query, cookie, link, customer, *preferred), merchant)
