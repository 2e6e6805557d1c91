"""Translation catalogues, the choice of a reader's language, and the formats of amounts, numbers and dates.

A message id is the English sentence, so English has no catalogue. Every other language has a gettext `messages.po`, which is read
once. Messages without a translation are shown in English.
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
"""The language of the message ids."""
DEFAULT: Final = "es"
"""The language of readers without an available preference."""
DEFAULT_TERRITORIES: Final[Mapping[str, str]] = {"es": "419", "en": "US"}
"""The regions for formats when no region is requested. For other languages CLDR's likely region is used."""

SHORT_MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
"""The months of short days in every region: CLDR has "sept", "set.", "Sept" and "June" in some. Other languages have CLDR's."""

_CONTEXT: Final = "\x04"


def N_(message: str) -> str:  # noqa: N802 - gettext's own name
    """Mark a message for extraction that is translated elsewhere."""
    return message


def in_context(context: str, message: str) -> str:
    """A message with a context, for a word with several translations: `in_context("cheque", "Void")`."""
    return f"{context}{_CONTEXT}{message}"


@dataclass(frozen=True, slots=True)
class Language:
    """A language and a region, such as `es` and `419`."""

    code: str
    territory: str
    """Empty for CLDR's likely region."""
    translations: NullTranslations = field(compare=False, repr=False)

    @property
    def tag(self) -> str:
        """The BCP 47 tag, as in `<html lang>`: `es-419`."""
        return f"{self.code}-{self.territory}" if self.territory else self.code

    def sentence(self, message: str) -> str:
        """The translation of a message, with its placeholders."""
        return self.translations.gettext(message).rpartition(_CONTEXT)[2]

    def say(self, message: str, /, **values: object) -> str:
        """The translation of a message with values: `say("Ends on %(day)s", day=…)`."""
        return self.sentence(message) % values

    def say_count(self, one: str, many: str, count: int, /, **values: object) -> str:
        """The translation for a count: `say_count("%(count)d day", "%(count)d days", 3)`."""
        return self.translations.ngettext(one, many, count) % {"count": count, **values}

    def sentences(self, one: str, many: str) -> dict[str, str]:
        """The translation for each of CLDR's plural categories, `{"one": …, "other": …}`, for `Intl.PluralRules`."""
        return {category: self.translations.ngettext(one, many, count) for category, count in _plurals(self.code).items()}

    def money(self, minor: int, currency: str, digits: int) -> str:
        """123450 as `1,234.50 USD` (es-419) or `1.234,50 USD` (es-ES), with an ordinary space before the currency code."""
        return _money(self._region, minor, currency, digits)

    def number(self, value: Decimal) -> str:
        """`10.5` or `10,5`: at most two decimals, without trailing zeros."""
        return _number(self._region, value)

    def day(self, day: date) -> str:
        """`14 de junio de 2023` or `June 14, 2023`."""
        return _day(self._region, day)

    def day_and_month(self, day: date) -> str:
        """`14 de junio` or `June 14`."""
        return _skeleton(self._region, "MMMMd", day)

    def short_day(self, day: date) -> str:
        """`14 jun 2023` or `Jun 14, 2023`."""
        return _short_day(self._region, day)

    def days(self, first: date, last: date, *, year: int | None = None) -> str:
        """`14 de mayo – 13 de junio de 2023`: with the year once if both have the same, and without it if that is `year`."""
        same = first.year == last.year
        end = self.day_and_month(last) if same and last.year == year else self.day(last)
        if first == last:
            return end
        return f"{self.day_and_month(first) if same else self.day(first)} – {end}"

    @property
    def date_pattern(self) -> str:
        """A regular expression for dates in the formats of `day`, `short_day` and `day_and_month`, the longest format first."""
        return _date_pattern(self._region)

    @property
    def _region(self) -> str:
        return f"{self.code}_{self.territory}"


class Catalogues:
    """The languages of a package: English, and those with a `<code>/LC_MESSAGES/messages.po` in its folder."""

    def __init__(self, folder: Path) -> None:
        self._sentences: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
        for path in sorted(folder.glob("*/LC_MESSAGES/messages.po")):
            self._sentences[path.parts[-3]] = _translations(path)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._sentences)

    def language(self, code: str, territory: str = "") -> Language:
        """The language with a region. Raises KeyError for a language without a catalogue."""
        known = territory and _is_known(f"{code}_{territory}")
        return Language(code, territory if known else DEFAULT_TERRITORIES.get(code, ""), self._sentences[code])

    def preferred(self, accept_language: str | None, default: str | None = None) -> tuple[str, ...]:
        """The languages in a client's order of preference, by its Accept-Language. `default` comes first among equal ones."""
        available = sorted(self._sentences, key=lambda code: (code != primary(default), code != DEFAULT))
        return languages(accept_language, tuple(available))

    def choose(self, preferences: Iterable[str | None], region: str | None) -> Language:
        """The first available language of the preferences. Preferences and region are tags such as `es-MX`.

        The region's formats are used if its language is the chosen one, else the language's default formats.
        """
        code = next((code for tag in preferences if (code := primary(tag)) in self._sentences), DEFAULT)
        return self.language(code, territory(region) if primary(region) == code else "")


def primary(tag: str | None) -> str:
    """The primary subtag: `es` of `es-MX` or `ES_mx`."""
    return (tag or "").replace("_", "-").split("-")[0].strip().lower()


def territory(tag: str | None) -> str:
    """The region: `MX` of `es-MX` or `es-Latn-MX`; empty without one."""
    parts = (tag or "").replace("_", "-").split("-")[1:]
    regions = [p.upper() for p in parts if (len(p) == 2 and p.isalpha()) or (len(p) == 3 and p.isdigit())]
    return regions[0] if regions else ""


def country(tag: str, time_zone: str) -> str:
    """The country of the tag, else of the time zone: `MX` of `es-MX`, or of `es-419` and America/Mexico_City. May be empty."""
    region = territory(tag)
    if region.isalpha():
        return region
    zone = get_global("zone_aliases").get(time_zone, time_zone)
    return str(get_global("zone_territories").get(zone, ""))


def _translations(path: Path) -> GNUTranslations:
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


# Cached, because Babel takes tens of microseconds per text, and pages repeat the same amounts and dates.


@lru_cache(512)
def own_name(code: str) -> str:
    """The language's name in itself: `Español` for `es`."""
    name = Locale(code).get_display_name(code) or code
    return name[:1].upper() + name[1:]


@lru_cache(512)
def _plurals(code: str) -> dict[str, int]:
    """plural category of CLDR → the smallest count with it."""
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


@lru_cache(8192)
def _short_day(region: str, day: date) -> str:
    months, text = SHORT_MONTHS.get(primary(region)), _skeleton(region, "yMMMd", day)
    if primary(region) == "es" and months:
        return f"{day.day} {months[day.month - 1]} {day.year}"  # CLDR has "8 de may de 2023" for Argentina and Colombia
    return text.replace(_locale(region).months["format"]["abbreviated"][day.month], months[day.month - 1]) if months else text


@lru_cache(512)
def _date_pattern(region: str) -> str:
    months, sample, shapes = _locale(region).months["format"], date(2019, 1, 28), []
    wide = tuple(months["wide"].values())
    short = SHORT_MONTHS.get(primary(region)) or tuple(months["abbreviated"].values())
    texts = {_day(region, sample): wide, _short_day(region, sample): short, _skeleton(region, "MMMMd", sample): wide}
    for text, of_the_year in texts.items():
        names = "|".join(re.escape(name) for name in of_the_year)
        shape = re.escape(text).replace(re.escape(of_the_year[0]), f"(?:{names})")
        shapes.append(shape.replace("2019", r"\d{4}").replace("28", r"\d{1,2}"))
    return "|".join(shapes)
