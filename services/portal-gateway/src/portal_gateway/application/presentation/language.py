"""Which language a customer reads."""

from functools import cache
from pathlib import Path

from presentation.languages import Catalogues, Language

LOCALES = Path(__file__).parents[2] / "locales"


@cache
def catalogues() -> Catalogues:
    """The languages of the page and of the JSON API; read once in a process."""
    return Catalogues(LOCALES)


def choose(
    *,
    asked: str | None = None,
    kept: str | None = None,
    link: str | None = None,
    customer: str | None = None,
    accept: str | None = None,
    merchant: str | None = None,
) -> Language:
    """The first that names a language we have: `?lang`, cookie, link, customer, Accept-Language, merchant, else Spanish.

    The region is the merchant's when the merchant's language is the one chosen: amounts look as on the company's own site.
    """
    preferred = catalogues().preferred(accept, merchant)
    return catalogues().choose((asked, kept, link, customer, *preferred), merchant)
