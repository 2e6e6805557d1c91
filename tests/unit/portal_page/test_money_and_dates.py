"""Amounts, intervals, periods, days and numbers in each region."""

import re
from datetime import date
from decimal import Decimal
from gettext import NullTranslations

import pytest
from babel.localedata import locale_identifiers
from babel.numbers import get_decimal_symbol, get_group_symbol

from portal_gateway.adapters.page.rendering import environment
from portal_gateway.application.presentation.common import Reader, frequency, money
from portal_gateway.application.presentation.language import catalogues, choose
from presentation.languages import Language
from support.portal_page import scenes

SPANISH, ENGLISH = catalogues().language("es"), catalogues().language("en")
AMOUNTS = {"USD": 123450, "JPY": 1234, "KWD": 1234500}


def language_of(tag: str) -> Language:
    return catalogues().choose([tag], tag)


def written(language: Language, minor: int, currency: str) -> str:
    return money(language, {"amount_minor": minor, "currency": currency})


# unit, count, currency, Spanish, English
GOLDEN = [
    ("day", 1, "USD", "1,234.50 USD al día", "1,234.50 USD per day"),
    ("day", 1, "JPY", "1,234 JPY al día", "1,234 JPY per day"),
    ("day", 1, "KWD", "1,234.500 KWD al día", "1,234.500 KWD per day"),
    ("day", 2, "USD", "1,234.50 USD cada 2 días", "1,234.50 USD every 2 days"),
    ("day", 2, "JPY", "1,234 JPY cada 2 días", "1,234 JPY every 2 days"),
    ("day", 2, "KWD", "1,234.500 KWD cada 2 días", "1,234.500 KWD every 2 days"),
    ("day", 3, "USD", "1,234.50 USD cada 3 días", "1,234.50 USD every 3 days"),
    ("day", 3, "JPY", "1,234 JPY cada 3 días", "1,234 JPY every 3 days"),
    ("day", 3, "KWD", "1,234.500 KWD cada 3 días", "1,234.500 KWD every 3 days"),
    ("week", 1, "USD", "1,234.50 USD a la semana", "1,234.50 USD per week"),
    ("week", 1, "JPY", "1,234 JPY a la semana", "1,234 JPY per week"),
    ("week", 1, "KWD", "1,234.500 KWD a la semana", "1,234.500 KWD per week"),
    ("week", 2, "USD", "1,234.50 USD cada 2 semanas", "1,234.50 USD every 2 weeks"),
    ("week", 2, "JPY", "1,234 JPY cada 2 semanas", "1,234 JPY every 2 weeks"),
    ("week", 2, "KWD", "1,234.500 KWD cada 2 semanas", "1,234.500 KWD every 2 weeks"),
    ("week", 3, "USD", "1,234.50 USD cada 3 semanas", "1,234.50 USD every 3 weeks"),
    ("week", 3, "JPY", "1,234 JPY cada 3 semanas", "1,234 JPY every 3 weeks"),
    ("week", 3, "KWD", "1,234.500 KWD cada 3 semanas", "1,234.500 KWD every 3 weeks"),
    ("month", 1, "USD", "1,234.50 USD al mes", "1,234.50 USD per month"),
    ("month", 1, "JPY", "1,234 JPY al mes", "1,234 JPY per month"),
    ("month", 1, "KWD", "1,234.500 KWD al mes", "1,234.500 KWD per month"),
    ("month", 2, "USD", "1,234.50 USD cada 2 meses", "1,234.50 USD every 2 months"),
    ("month", 2, "JPY", "1,234 JPY cada 2 meses", "1,234 JPY every 2 months"),
    ("month", 2, "KWD", "1,234.500 KWD cada 2 meses", "1,234.500 KWD every 2 months"),
    ("month", 3, "USD", "1,234.50 USD cada 3 meses", "1,234.50 USD every 3 months"),
    ("month", 3, "JPY", "1,234 JPY cada 3 meses", "1,234 JPY every 3 months"),
    ("month", 3, "KWD", "1,234.500 KWD cada 3 meses", "1,234.500 KWD every 3 months"),
    ("year", 1, "USD", "1,234.50 USD al año", "1,234.50 USD per year"),
    ("year", 1, "JPY", "1,234 JPY al año", "1,234 JPY per year"),
    ("year", 1, "KWD", "1,234.500 KWD al año", "1,234.500 KWD per year"),
    ("year", 2, "USD", "1,234.50 USD cada 2 años", "1,234.50 USD every 2 years"),
    ("year", 2, "JPY", "1,234 JPY cada 2 años", "1,234 JPY every 2 years"),
    ("year", 2, "KWD", "1,234.500 KWD cada 2 años", "1,234.500 KWD every 2 years"),
    ("year", 3, "USD", "1,234.50 USD cada 3 años", "1,234.50 USD every 3 years"),
    ("year", 3, "JPY", "1,234 JPY cada 3 años", "1,234 JPY every 3 years"),
    ("year", 3, "KWD", "1,234.500 KWD cada 3 años", "1,234.500 KWD every 3 years"),
]

# region; 1,234.50 in three currencies; the 4th of June 2023 in three lengths; 10.5
REGIONS = [
    ("es-419", "1,234.50 USD", "1,234 JPY", "1,234.500 KWD", "4 de junio de 2023", "4 de junio", "4 jun 2023", "10.5"),
    ("es-ES", "1.234,50 USD", "1.234 JPY", "1.234,500 KWD", "4 de junio de 2023", "4 de junio", "4 jun 2023", "10,5"),
    ("es-CO", "1.234,50 USD", "1.234 JPY", "1.234,500 KWD", "4 de junio de 2023", "4 de junio", "4 jun 2023", "10,5"),
    ("es-MX", "1,234.50 USD", "1,234 JPY", "1,234.500 KWD", "4 de junio de 2023", "4 de junio", "4 jun 2023", "10.5"),
    ("es-AR", "1.234,50 USD", "1.234 JPY", "1.234,500 KWD", "4 de junio de 2023", "4 de junio", "4 jun 2023", "10,5"),
    ("en-US", "1,234.50 USD", "1,234 JPY", "1,234.500 KWD", "June 4, 2023", "June 4", "Jun 4, 2023", "10.5"),
    ("en-GB", "1,234.50 USD", "1,234 JPY", "1,234.500 KWD", "4 June 2023", "4 June", "4 Jun 2023", "10.5"),
    ("en-AU", "1,234.50 USD", "1,234 JPY", "1,234.500 KWD", "4 June 2023", "4 June", "4 Jun 2023", "10.5"),
]


@pytest.mark.parametrize(("unit", "count", "currency", "spanish", "english"), GOLDEN)
def test_a_price_states_its_interval(unit: str, count: int, currency: str, spanish: str, english: str) -> None:
    for language, expected in ((SPANISH, spanish), (ENGLISH, english)):
        price = written(language, AMOUNTS[currency], currency)
        assert frequency(language, price, {"unit": unit, "count": count}) == expected  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("region", "usd", "jpy", "kwd", "day", "day_and_month", "short_day", "number"), REGIONS)
def test_amounts_days_and_numbers_follow_the_region(
    region: str, usd: str, jpy: str, kwd: str, day: str, day_and_month: str, short_day: str, number: str
) -> None:
    language, when = language_of(region), date(2023, 6, 4)
    assert [written(language, minor, currency) for currency, minor in AMOUNTS.items()] == [usd, jpy, kwd]
    assert [language.day(when), language.day_and_month(when), language.short_day(when)] == [day, day_and_month, short_day]
    assert language.number(Decimal("10.50")) == number


@pytest.mark.parametrize("tag", [*(region[0] for region in REGIONS), "fr-FR", "pt-BR", "de-DE"])
def test_amounts_days_and_cards_stay_on_one_line(tag: str) -> None:
    code, _, territory = tag.partition("-")
    language = Language(code, territory, NullTranslations())
    for month in range(1, 13):
        when = date(2023, month, 4)
        values = [
            language.day(when),
            language.short_day(when),
            language.day_and_month(when),
            written(language, -123456789, "USD"),
        ]
        for value in [*values, "Visa •••• 4242"]:
            sentence = environment("es").from_string("{{ s|unbroken }}").render(s=f"<Hasta> {value}, 4.", language=language)
            assert sentence == f'&lt;Hasta&gt; <span class="whole">{value}</span>, 4.'


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (2999, "USD", "29.99 USD"),
        (0, "USD", "0.00 USD"),
        (5, "USD", "0.05 USD"),
        (-2999, "USD", "-29.99 USD"),
        (123456789012, "USD", "1,234,567,890.12 USD"),
        (7, "KWD", "0.007 KWD"),
        (5, "IQD", "0.005 IQD"),
    ],
)
def test_amounts_have_their_currencys_digits(amount: int, currency: str, expected: str) -> None:
    assert written(SPANISH, amount, currency) == expected


def test_separators_agree_with_cldr_in_every_territory_of_spanish() -> None:
    for identifier in locale_identifiers():
        code, _, territory = identifier.partition("_")
        if code == "es" and territory:
            expected = f"1{get_group_symbol(identifier)}234{get_decimal_symbol(identifier)}50 USD"
            assert written(language_of(identifier), 123450, "USD") == expected, identifier


def test_short_days_have_three_letters_for_the_month_in_every_territory_of_spanish() -> None:
    months = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]
    territories = [identifier for identifier in locale_identifiers() if identifier.startswith("es_")]
    assert {"es_AR", "es_CO", "es_MX", "es_PE", "es_419"} <= set(territories)
    for identifier in territories:
        days = [language_of(identifier).short_day(date(2022, month, 8)) for month in range(1, 13)]
        assert days == [f"8 {month} 2022" for month in months], identifier


def test_short_days_have_three_letters_for_the_month_in_every_territory_of_english() -> None:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    territories = [identifier for identifier in locale_identifiers() if re.fullmatch("en_[A-Z]{2}", identifier)]
    assert {"en_US", "en_GB", "en_AU", "en_ZA"} <= set(territories)
    for identifier in territories:
        days = [language_of(identifier).short_day(date(2022, month, 8)) for month in range(1, 13)]
        assert [re.findall("[A-Za-z]+", day) for day in days] == [[month] for month in months], identifier


@pytest.mark.parametrize("region", ["es-XX", "es-999", "es-Latn", "es"])
def test_an_unknown_region_has_the_default_format(region: str) -> None:
    assert language_of(region) == SPANISH


# start and end; Spanish and English; the same beside days of 2023
PERIODS = [
    (
        ("2023-05-14T12:00:00Z", "2023-06-14T12:00:00Z"),
        ("14 de mayo – 13 de junio de 2023", "May 14 – June 13, 2023"),
        ("14 de mayo – 13 de junio", "May 14 – June 13"),
    ),
    (
        ("2023-12-14T12:00:00Z", "2024-01-14T12:00:00Z"),
        ("14 de diciembre de 2023 – 13 de enero de 2024", "December 14, 2023 – January 13, 2024"),
        ("14 de diciembre de 2023 – 13 de enero de 2024", "December 14, 2023 – January 13, 2024"),
    ),
    (("2022-12-31T12:00:00Z", "2023-01-01T12:00:00Z"), ("31 de diciembre de 2022", "December 31, 2022"), None),
    (("2023-05-14T12:00:00Z", "2023-05-15T12:00:00Z"), ("14 de mayo de 2023", "May 14, 2023"), ("14 de mayo", "May 14")),
    (("2023-05-14T12:00:00Z", "2023-05-14T13:00:00Z"), ("14 de mayo de 2023", "May 14, 2023"), ("14 de mayo", "May 14")),
    (("2023-05-14T05:59:00Z", "2023-06-14T05:59:00Z"), ("13 de mayo – 12 de junio de 2023", "May 13 – June 12, 2023"), None),
]


@pytest.mark.parametrize(("period", "expected", "near"), PERIODS)
def test_a_period_ends_with_its_last_day(
    period: tuple[str, str], expected: tuple[str, str], near: tuple[str, str] | None
) -> None:
    """The day on which the next period begins is not part of it. The year appears once if it is the same."""
    readers = [Reader.of(scenes.view(), language) for language in (SPANISH, ENGLISH)]
    assert tuple(reader.period(*period) for reader in readers) == expected
    if near is not None:
        assert tuple(reader.near_period(*period) for reader in readers) == near


def test_a_day_is_in_the_merchants_zone() -> None:
    reader = Reader.of(scenes.view(), SPANISH)
    assert reader.zone.key == "America/Mexico_City"
    assert (reader.day("2023-06-14T05:59:00Z"), reader.day("2023-06-14T06:00:00Z")) == (
        "13 de junio de 2023",
        "14 de junio de 2023",
    )


def test_a_rate_has_no_trailing_zeros() -> None:
    rates = [Decimal(points) / 100 for points in (1600, 2100, 1050, 825, 0)]
    assert [SPANISH.number(rate) for rate in rates] == ["16", "21", "10.5", "8.25", "0"]


@pytest.mark.parametrize(
    ("wishes", "tag"),
    [
        ({}, "es-419"),
        ({"accept": "es-MX,es;q=0.9,en;q=0.8"}, "es-419"),
        ({"accept": "es-CO"}, "es-419"),
        ({"accept": "es-ES"}, "es-419"),
        ({"accept": "fr;q=0.9, en-GB;q=0.8"}, "en-US"),
        ({"accept": "en;q=0.2, es;q=0.9"}, "es-419"),
        ({"accept": "en;q=x, *;q=0.1"}, "es-419"),
        ({"accept": "en;q=0"}, "es-419"),
        ({"query": "en", "cookie": "es"}, "en-US"),
        ({"query": "fr", "cookie": "en"}, "en-US"),
        ({"cookie": "en", "link": "es"}, "en-US"),
        ({"link": "en", "customer": "es", "accept": "es"}, "en-US"),
        ({"customer": "en", "accept": "es", "merchant": "es-MX"}, "en-US"),
        ({"accept": "en", "merchant": "es-MX"}, "en-US"),
        ({"customer": "es-AR", "merchant": "es-MX"}, "es-MX"),
        ({"accept": "es-ES", "merchant": "es-CO"}, "es-CO"),
        ({"customer": "en-GB", "merchant": "es-MX"}, "en-US"),
        ({"merchant": "en-GB"}, "en-GB"),
        ({"merchant": "fr-FR"}, "es-419"),
    ],
)
def test_the_language_is_the_first_supported_one(wishes: dict[str, str], tag: str) -> None:
    assert choose(**wishes).tag == tag
