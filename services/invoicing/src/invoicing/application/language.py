"""The language and the paper size of an invoice. Both are fixed when it is issued."""

from functools import cache
from pathlib import Path

from presentation.languages import Catalogues, country

LOCALES = Path(__file__).parents[1] / "locales"

LETTER_COUNTRIES = frozenset(["US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "PR", "SV", "VE"])


@cache
def catalogues() -> Catalogues:
    """The languages of documents, read once per process."""
    return Catalogues(LOCALES)


def document_locale(customer: str | None, merchant: str) -> str:
    """The customer's language, the merchant's, or Spanish. The region is the merchant's if the language is the same.

    Locales are BCP 47 tags such as `es-MX`.
    """
    return catalogues().choose((customer, merchant), merchant).tag


def paper(locale: str, time_zone: str) -> str:
    """The paper size of the merchant's country."""
    return "us-letter" if country(locale, time_zone) in LETTER_COUNTRIES else "a4"
