from datetime import date

import pytest
from babel.localedata import locale_identifiers
from babel.numbers import get_decimal_symbol, get_group_symbol

from billing_contracts.money import Money
from portal_gateway.application.wording import frequency
from portal_gateway.application.wording_language import CATALOGUES, Language, choose

SPANISH, ENGLISH = Language("es", "419"), Language("en", "US")
AMOUNTS = {"USD": 123450, "JPY": 1234, "KWD": 1234500}

# unit, count, Spanish, English: the golden table.
FREQUENCIES = [
    ("day", 1, "%s al día", "%s per day"),
    ("day", 2, "%s cada 2 días", "%s every 2 days"),
    ("day", 3, "%s cada 3 días", "%s every 3 days"),
    ("week", 1, "%s a la semana", "%s per week"),
    ("week", 2, "%s cada 2 semanas", "%s every 2 weeks"),
    ("week", 3, "%s cada 3 semanas", "%s every 3 weeks"),
    ("month", 1, "%s al mes", "%s per month"),
    ("month", 2, "%s cada 2 meses", "%s every 2 months"),
    ("month", 3, "%s cada 3 meses", "%s every 3 months"),
    ("year", 1, "%s al año", "%s per year"),
    ("year", 2, "%s cada 2 años", "%s every 2 years"),
    ("year", 3, "%s cada 3 años", "%s every 3 years"),
]
WRITTEN = {"USD": "1,234.50 USD", "JPY": "1,234 JPY", "KWD": "1,234.500 KWD"}


@pytest.mark.parametrize(("unit", "count", "spanish", "english"), FREQUENCIES)
@pytest.mark.parametrize("currency", AMOUNTS)
def test_a_price_says_how_often_it_is_charged(unit: str, count: int, spanish: str, english: str, currency: str) -> None:
    money = Money(amount_minor=AMOUNTS[currency], currency=currency)
    for language, sentence in ((SPANISH, spanish), (ENGLISH, english)):
        said = frequency(language, language.money(money), {"unit": unit, "count": count})  # type: ignore[typeddict-item]
        assert said == sentence % WRITTEN[currency]


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (2999, "USD", "29.99 USD"),
        (0, "USD", "0.00 USD"),
        (5, "USD", "0.05 USD"),
        (-2999, "USD", "-29.99 USD"),
        (123456789012, "USD", "1,234,567,890.12 USD"),
        (7, "KWD", "0.007 KWD"),
    ],
)
def test_amounts_have_their_currencys_digits(amount: int, currency: str, written: str) -> None:
    assert SPANISH.money(Money(amount_minor=amount, currency=currency)) == written


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language("es", "419"), "1,234.50 USD"),
        (Language("es", "MX"), "1,234.50 USD"),
        (Language("es", "ES"), "1.234,50 USD"),
        (Language("es", "AR"), "1.234,50 USD"),
        (Language("es", "CR"), "1\N{NO-BREAK SPACE}234,50 USD"),
        (Language("en", "US"), "1,234.50 USD"),
    ],
)
def test_separators_are_the_regions(language: Language, written: str) -> None:
    assert language.money(Money(amount_minor=123450, currency="USD")) == written


def test_separators_agree_with_cldr_in_every_territory_of_spanish() -> None:
    for identifier in locale_identifiers():
        code, _, territory = identifier.partition("_")
        if code == "es" and territory:
            written = Language("es", territory).money(Money(amount_minor=123450, currency="USD"))
            assert written == f"1{get_group_symbol(identifier)}234{get_decimal_symbol(identifier)}50 USD", identifier


@pytest.mark.parametrize(
    ("language", "long", "near", "short"),
    [
        (Language("es", "419"), "14 de junio de 2023", "14 de junio", "14 jun 2023"),
        (Language("en", "US"), "June 14, 2023", "June 14", "Jun 14, 2023"),
        (Language("en", "GB"), "14 June 2023", "14 June", "14 Jun 2023"),
    ],
)
def test_days_are_written_as_people_write_them(language: Language, long: str, near: str, short: str) -> None:
    day = date(2023, 6, 14)
    assert (language.day(day), language.day_and_month(day), language.short_day(day)) == (long, near, short)


def test_a_period_names_the_year_once_when_it_is_the_same() -> None:
    assert SPANISH.period(date(2023, 5, 14), date(2023, 6, 14)) == "Del 14 de mayo al 14 de junio de 2023"
    assert SPANISH.period(date(2023, 12, 14), date(2024, 1, 14)) == "Del 14 de diciembre de 2023 al 14 de enero de 2024"


def test_a_rate_is_written_without_idle_zeros() -> None:
    assert [SPANISH.percentage(points) for points in (1600, 2100, 1050, 825, 0)] == ["16", "21", "10.5", "8.25", "0"]
    assert Language("es", "ES").percentage(1050) == "10,5"


def test_both_catalogues_say_the_same_things_with_the_same_values() -> None:
    spanish, english = CATALOGUES["es"], CATALOGUES["en"]
    assert spanish.keys() == english.keys()
    for message in spanish:
        assert placeholders(spanish[message]) == placeholders(english[message]), message


def placeholders(sentence: str) -> set[str]:
    return {part.split(")")[0] for part in sentence.split("%(")[1:]}


@pytest.mark.parametrize(
    ("wishes", "tag"),
    [
        ({}, "es-419"),
        ({"accepted": "es-MX,es;q=0.9,en;q=0.8"}, "es-419"),
        ({"accepted": "fr;q=0.9, en-GB;q=0.8"}, "en-US"),
        ({"accepted": "en;q=0.2, es;q=0.9"}, "es-419"),
        ({"accepted": "en;q=x, *;q=0.1"}, "es-419"),
        ({"asked": "en", "kept": "es"}, "en-US"),
        ({"asked": "fr", "kept": "en"}, "en-US"),
        ({"link": "en", "customer": "es", "accepted": "es"}, "en-US"),
        ({"customer": "es-AR", "merchant": "es-MX"}, "es-MX"),
        ({"customer": "en-GB", "merchant": "es-MX"}, "en-US"),
        ({"merchant": "en-GB"}, "en-GB"),
    ],
)
def test_the_language_is_the_first_that_anybody_wishes_for_and_we_have(wishes: dict[str, str], tag: str) -> None:
    assert choose(**wishes).tag == tag
