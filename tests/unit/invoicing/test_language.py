import pytest

from invoicing.application.language import document_locale, paper


@pytest.mark.parametrize(
    ("customer", "merchant", "expected"),
    [
        ("es", "es-MX", "es-MX"),
        ("es-ES", "es-MX", "es-MX"),
        ("es-CO", "en-US", "es-419"),
        ("en", "es-MX", "en-US"),
        ("EN_gb", "en-GB", "en-GB"),
        (None, "en-GB", "en-GB"),
        ("de", "en-GB", "en-GB"),
        ("de", "fr-FR", "es-419"),
    ],
)
def test_the_customers_language_with_the_merchants_customs(customer: str | None, merchant: str, expected: str) -> None:
    assert document_locale(customer, merchant) == expected


@pytest.mark.parametrize(
    ("locale", "time_zone", "expected"),
    [
        *[(f"es-{country}", "Europe/Madrid", "us-letter") for country in ("MX", "US", "CO", "CL", "PR", "VE")],
        ("en-CA", "America/Toronto", "us-letter"),
        ("en-PH", "Asia/Manila", "us-letter"),
        ("es-ES", "America/Mexico_City", "a4"),
        ("es-AR", "America/Argentina/Buenos_Aires", "a4"),
        ("es-419", "America/Mexico_City", "us-letter"),
        ("es-419", "America/Lima", "a4"),
        ("en", "US/Pacific", "us-letter"),
        ("en", "UTC", "a4"),
    ],
)
def test_paper_is_that_of_the_merchants_country(locale: str, time_zone: str, expected: str) -> None:
    """The locale names it, or else the time zone does."""
    assert paper(locale, time_zone) == expected
