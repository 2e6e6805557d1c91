"""Chooses the customer's language."""

from functools import cache
from pathlib import Path

from presentation.languages import Catalogues, Language

LOCALES = Path(__file__).parents[2] / "locales"


@cache
def catalogues() -> Catalogues:
    """The languages of the page and the JSON API, read once per process."""
    return Catalogues(LOCALES)


def file_locale(language: Language, country: str | None) -> str:
    """The tag for files that a spreadsheet opens: the region is the customer's country, else that of the page.

    A spreadsheet separates columns and decimals as its user's country does; the merchant may be elsewhere.
    """
    local = catalogues().language(language.code, country or "")
    return local.tag if local.territory == country else language.tag


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
