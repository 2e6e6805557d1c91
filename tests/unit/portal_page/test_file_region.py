"""The region of a downloaded table is the reader's: spreadsheets separate columns and decimals by country."""

import pytest

from portal_gateway.application.presentation.language import catalogues, file_locale


@pytest.mark.parametrize(
    ("language", "territory", "country", "locale"),
    [
        ("es", "419", "CO", "es-CO"),
        ("es", "AR", "MX", "es-MX"),
        ("es", "419", None, "es-419"),
        ("es", "AR", None, "es-AR"),
        ("es", "AR", "ZZ", "es-AR"),
        ("en", "US", "GB", "en-GB"),
        ("en", "US", "JP", "en-US"),
    ],
)
def test_the_region_is_the_customers_country_where_the_language_is_written(
    language: str, territory: str, country: str | None, locale: str
) -> None:
    assert file_locale(catalogues().language(language, territory), country) == locale
