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


def test_paper_is_that_of_the_merchants_country() -> None:
    assert [paper(locale) for locale in ("es-MX", "en-US", "es-ES", "es-419", "en")] == [
        "us-letter",
        "us-letter",
        "a4",
        "a4",
        "a4",
    ]
