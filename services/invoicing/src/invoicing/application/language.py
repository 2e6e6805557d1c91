"""In which language and on which paper an invoice is written. Decided once, when it is issued."""

LANGUAGES = {"es": "es-419", "en": "en-US"}
"""The languages there are, each with the region whose numbers and dates it uses when the merchant has no say."""

LETTER_REGIONS = frozenset(["US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "NI", "PA", "PH", "PR", "SV", "VE"])


def document_locale(customer: str | None, merchant: str) -> str:
    """The customer's language, else the merchant's, else Spanish; the region is the merchant's where its language is.

    Locales are BCP 47 tags such as `es-MX`.
    """
    language = next((wanted for tag in (customer, merchant) if (wanted := _language(tag)) in LANGUAGES), "es")
    return merchant if _language(merchant) == language else LANGUAGES[language]


def paper(merchant: str) -> str:
    """The paper of the merchant's country."""
    return "us-letter" if LETTER_REGIONS.intersection(merchant.replace("_", "-").upper().split("-")[1:]) else "a4"


def _language(tag: str | None) -> str:
    return (tag or "").replace("_", "-").split("-")[0].lower()
