"""In which language and on which paper an invoice is written. Decided once, when it is issued."""

from functools import cache
from pathlib import Path

from chassis.languages import Catalogues

LOCALES = Path(__file__).parents[1] / "locales"

LETTER_REGIONS = frozenset(["US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "PR", "SV", "VE"])


@cache
def catalogues() -> Catalogues:
    """The languages of documents; read once in a process."""
    return Catalogues(LOCALES)


def document_locale(customer: str | None, merchant: str) -> str:
    """The customer's language, else the merchant's, else Spanish; the region is the merchant's where its language is.

    Locales are BCP 47 tags such as `es-MX`.
    """
    return catalogues().choose((customer, merchant), merchant).tag


def paper(merchant: str) -> str:
    """The paper of the merchant's country."""
    return "us-letter" if LETTER_REGIONS.intersection(merchant.replace("_", "-").upper().split("-")[1:]) else "a4"
