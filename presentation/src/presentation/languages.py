"""What people read: catalogues of whole sentences, who reads which, and how a region writes numbers and days.

A message's id is its English sentence, so English needs no catalogue. Every other language is a `messages.po` of gettext,
read once; what it has not translated yet is read in English.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal

from presentation.accept_headers import languages

SOURCE: Final = "en"
"""The language of the ids."""
DEFAULT: Final = "es"
"""For whoever wishes for none that there is."""
USUAL_TERRITORIES: Final[Mapping[str, str]] = {"es": "419", "en": "US"}
"""Whose numbers and days are written where nobody names a region; other languages have a usual one in CLDR."""

_CONTEXT: Final = "\x04"


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Marks a message that is said elsewhere, so that it is extracted."""
    return message


def in_context(context: str, message: str) -> str:
    """A message, for a word that other languages translate differently elsewhere: `in_context("cheque", "Void")`."""
    return f"{context}{_CONTEXT}{message}"


@dataclass(frozen=True, slots=True)
class Language:
    """A language and a region: `es` and `419`."""

    code: str
    territory: str
    """Empty for the one that CLDR finds usual."""
    translations: NullTranslations = field(compare=False, repr=False)

    @property
    def tag(self) -> str:
        """BCP 47, as in `<html lang>`: `es-419`."""
        return f"{self.code}-{self.territory}" if self.territory else self.code

    def sentence(self, message: str) -> str:
        """The message's sentence with its placeholders still in it."""
        return self.translations.gettext(message).rpartition(_CONTEXT)[2]

    def say(self, message: str, /, **values: object) -> str:
        """The message's sentence with its values: `say("Ends on %(day)s", day=…)`."""
        return self.sentence(message) % values

    def say_count(self, one: str, many: str, count: int, /, **values: object) -> str:
        """The sentence for that many: `say_count("%(count)d day", "%(count)d days", 3)`."""
        return self.translations.ngettext(one, many, count) % {"count": count, **values}

    def sentences(self, one: str, many: str) -> dict[str, str]:
        """The sentence for each of CLDR's plural categories, `{"one": …, "other": …}`: what `Intl.PluralRules` chooses from."""
        return {category: self.translations.ngettext(one, many, count) for category, count in _plurals(self.code).items()}

    def money(self, minor: int, currency: str, digits: int) -> str:
        """`1,234.50 USD` (es-419), `1.234,50 USD` (es-ES) of 123450: the currency's digits, an ordinary space, its code."""
        return _money(self._region, minor, currency, digits)

    def number(self, value: Decimal) -> str:
        """`10.5`, `10,5`: two decimals at most, without idle zeros."""
        return _number(self._region, value)

    def day(self, day: date) -> str:
        """`14 de junio de 2023`, `June 14, 2023`"""
        return _day(self._region, day)

    def day_and_month(self, day: date) -> str:
        """`14 de junio`, `June 14`"""
        return _skeleton(self._region, "MMMMd", day)

    def short_day(self, day: date) -> str:
        """`14 jun 2023`, `Jun 14, 2023`"""
        return _skeleton(self._region, "yMMMd", day)

    @property
    def written_days(self) -> str:
        """A regular expression for days as these three write them, the longest first."""
        return _written_days(self._region)

    @property
    def _region(self) -> str:
        return f"{self.code}_{self.territory}"


class Catalogues:
    """The languages of one package: English and those with a `<code>/LC_MESSAGES/messages.po` in its folder."""

    def __init__(self, folder: Path) -> None:
        self._sentences: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            self._sentences[path.parts[-3]] = _translations(path)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._sentences)

    def language(self, code: str, territory: str = "") -> Language:
        """Raises KeyError for a language that there is not."""
        known = territory and _is_known(f"{code}_{territory}")
        return Language(code, territory if known else USUAL_TERRITORIES.get(code, ""), self._sentences[code])

    def preferred(self, accept_language: str | None, usual: str | None = None) -> tuple[str, ...]:
        """The languages in the order in which a client wants them, by its Accept-Language; `usual` goes before the others where
        it does not care."""
        ours = sorted(self._sentences, key=lambda code: (code != primary(usual), code != DEFAULT))
        return languages(accept_language, tuple(ours))

    def choose(self, wishes: Iterable[str | None], region: str | None) -> Language:
        """The first wish that is for a language there is. Wishes and region are tags such as `es-MX`.

        The region's numbers and days when its language is the one chosen, else the language's usual ones.
        """
        code = next((code for tag in wishes if (code := primary(tag)) in self._sentences), DEFAULT)
        return self.language(code, territory(region) if primary(region) == code else "")


def primary(tag: str | None) -> str:
    """`es` of `es-MX`, `ES_mx`"""
    return (tag or "").replace("_", "-").split("-")[0].strip().lower()


def territory(tag: str | None) -> str:
    """`MX` of `es-MX`, `es-Latn-MX`; empty when it names none."""
    parts = (tag or "").replace("_", "-").split("-")[1:]
    found = [p.upper() for p in parts if (len(p) == 2 and p.isalpha()) or (len(p) == 3 and p.isdigit())]
    return found[0] if found else ""


def country(tag: str, time_zone: str) -> str:
    """`MX` of `es-MX`; of `es-419` and America/Mexico_City too. Empty when neither is of one country."""
    named = territory(tag)
    if named.isalpha():
        return named
    zone = get_global("zone_aliases").get(time_zone, time_zone)
    return str(get_global("zone_territories").get(zone, ""))


def _translations(path: Path) -> GNUTranslations:
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


# Babel takes tens of microseconds a text, and a page shows the same amounts and days again and again.


@lru_cache(512)
def own_name(code: str) -> str:
    """`Español` of `es`"""
    name = Locale(code).get_display_name(code) or code
    return name[:1].upper() + name[1:]


@lru_cache(512)
def _plurals(code: str) -> dict[str, int]:
    """A count of each of CLDR's plural categories."""
    category = Locale(code).plural_form
    return {category(count): count for count in (1_000_000, *range(200, -1, -1))}


@lru_cache(512)
def _is_known(region: str) -> bool:
    try:
        return str(Locale.parse(region)) == region
    except (UnknownLocaleError, ValueError):
        return False


@lru_cache(512)
def _locale(region: str) -> Locale:
    return Locale.parse(region.rstrip("_"))


@lru_cache(8192)
def _money(region: str, minor: int, currency: str, digits: int) -> str:
    pattern = f"#,##0{'.' if digits else ''}{'0' * digits} ¤¤"
    return format_currency(Decimal(minor).scaleb(-digits), currency, pattern, _locale(region), currency_digits=False)


@lru_cache(512)
def _number(region: str, value: Decimal) -> str:
    return format_decimal(value, "#,##0.##", _locale(region))


@lru_cache(8192)
def _day(region: str, day: date) -> str:
    return format_date(day, "long", _locale(region))


@lru_cache(8192)
def _skeleton(region: str, skeleton: str, day: date) -> str:
    return format_skeleton(skeleton, day, locale=_locale(region))


@lru_cache(512)
def _written_days(region: str) -> str:
    months, sample, shapes = _locale(region).months["format"], date(2019, 1, 28), []
    texts = {
        _day(region, sample): "wide",
        _skeleton(region, "yMMMd", sample): "abbreviated",
        _skeleton(region, "MMMMd", sample): "wide",
    }
    for text, width in texts.items():
        names = "|".join(re.escape(name) for name in months[width].values())
        shape = re.escape(text).replace(re.escape(months[width][1]), f"(?:{names})")
        shapes.append(shape.replace("2019", r"\d{4}").replace("28", r"\d{1,2}"))
    return "|".join(shapes)
