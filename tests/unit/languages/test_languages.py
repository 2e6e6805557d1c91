"""The languages module, with a Polish catalogue."""

from pathlib import Path

import pytest

from presentation.languages import Catalogues, Language, in_context, own_name, primary, territory

POLISH = r"""
msgid ""
msgstr ""
"Language: pl\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n"
"Content-Type: text/plain; charset=utf-8\n"

msgid "Go back to %(place)s"
msgstr "Wróć do %(place)s"

msgctxt "cheque"
msgid "Void"
msgstr "Nieważny"

msgid "Void"
msgstr "Pustka"

#, fuzzy
msgid "Close"
msgstr "Blisko"

msgid "%(count)d minute"
msgid_plural "%(count)d minutes"
msgstr[0] "%(count)d minuta"
msgstr[1] "%(count)d minuty"
msgstr[2] "%(count)d minut"
"""


@pytest.fixture
def polish(tmp_path: Path) -> Language:
    folder = tmp_path / "pl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(POLISH)
    return Catalogues(tmp_path).language("pl")


def test_a_message_is_translated_with_its_values(polish: Language) -> None:
    assert polish.say("Go back to %(place)s", place="100 %") == "Wróć do 100 %"
    assert polish.sentence("Go back to %(place)s") == "Wróć do %(place)s"


def test_a_word_is_translated_by_its_context(polish: Language) -> None:
    assert (polish.say("Void"), polish.say(in_context("cheque", "Void"))) == ("Pustka", "Nieważny")


def test_a_message_without_a_translation_is_english(polish: Language) -> None:
    assert (polish.say("Log out"), polish.say(in_context("door", "Open"))) == ("Log out", "Open")
    assert polish.say_count("%(count)d day", "%(count)d days", 2) == "2 days"


def test_a_fuzzy_translation_is_not_used(polish: Language) -> None:
    assert polish.say("Close") == "Close"


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 minut"), (1, "1 minuta"), (3, "3 minuty"), (12, "12 minut"), (22, "22 minuty")]
)
def test_a_count_has_its_plural_form(polish: Language, count: int, expected: str) -> None:
    assert polish.say_count("%(count)d minute", "%(count)d minutes", count) == expected


def test_sentences_has_a_translation_for_each_plural_category(polish: Language) -> None:
    assert polish.sentences("%(count)d minute", "%(count)d minutes") == {
        "one": "%(count)d minuta",
        "few": "%(count)d minuty",
        "many": "%(count)d minut",
    }


def test_the_languages_are_english_and_those_of_the_catalogues(polish: Language, tmp_path: Path) -> None:
    assert Catalogues(tmp_path).codes == ("en", "pl")
    assert Catalogues(tmp_path / "none").codes == ("en",)
    assert [own_name(code) for code in ("en", "es", "pl")] == ["English", "Español", "Polski"]


def test_a_language_without_a_default_region_has_the_formats_of_cldr(polish: Language) -> None:
    assert (polish.tag, polish.money(123450, "USD", 2)) == ("pl", "1\N{NO-BREAK SPACE}234,50 USD")


def test_tags_are_parsed() -> None:
    assert [primary(tag) for tag in ("es-MX", "ES_mx", " en ", "", None)] == ["es", "es", "en", "", ""]
    assert [territory(tag) for tag in ("es-MX", "es-Latn-mx", "es-419", "es", "es-MX-u-nu-latn", None)] == [
        "MX",
        "MX",
        "419",
        "",
        "MX",
        "",
    ]
