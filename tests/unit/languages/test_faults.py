"""The check of the catalogues finds a fault of each kind."""

from io import BytesIO

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po

from support.catalogue_faults import Kind, faults

HEADER = r"""
msgid ""
msgstr ""
"Language: es\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"Content-Type: text/plain; charset=utf-8\n"
"""
ENDS = """
msgid "Ends on %(day)s"
msgstr "Termina el %(day)s"
"""
COUNT = """
msgid "%(count)d day"
msgid_plural "%(count)d days"
msgstr[0] "%(count)d día"
msgstr[1] "%(count)d días"
"""
RATE = """
msgid "%(rate)s%% tax"
msgstr "%(rate)s %% de impuestos"
"""
OF_CODE = HEADER + ENDS + COUNT + RATE

FAULTY: list[tuple[Kind, str, str]] = [
    ("missing", HEADER + ENDS + COUNT, "%(rate)s%% tax"),
    ("orphaned", f'{OF_CODE}\nmsgid "Paid"\nmsgstr "Pagado"\n', "Paid"),
    ("orphaned", f'{OF_CODE}\nmsgctxt "card"\nmsgid "Ends on %(day)s"\nmsgstr "Termina el %(day)s"\n', "Ends on %(day)s"),
    ("obsolete", f'{OF_CODE}\n#~ msgid "Paid"\n#~ msgstr "Pagado"\n', "Paid"),
    ("untranslated", OF_CODE.replace("Termina el %(day)s", ""), "Ends on %(day)s"),
    ("untranslated", OF_CODE.replace("%(count)d días", ""), "%(count)d day"),
    ("fuzzy", OF_CODE.replace(ENDS, f"\n#, fuzzy{ENDS}"), "Ends on %(day)s"),
    ("placeholders", OF_CODE.replace("Termina el %(day)s", "Termina"), "Ends on %(day)s"),
    ("placeholders", OF_CODE.replace("Termina el %(day)s", "Termina el %(date)s"), "Ends on %(day)s"),
    ("placeholders", OF_CODE.replace("%(count)d días", "%(count)s días"), "%(count)d day"),
    ("placeholders", OF_CODE.replace('%(count)d día"', 'un día"'), "%(count)d day"),
    ("placeholders", OF_CODE.replace("%% de", "% de"), "%(rate)s%% tax"),
]


def parsed(po: str) -> Catalog:
    return read_po(BytesIO(po.encode()), abort_invalid=True)


def test_a_correct_catalogue_has_no_faults() -> None:
    assert faults(parsed(OF_CODE), parsed(OF_CODE)) == []


@pytest.mark.parametrize(("kind", "catalogue", "sentence"), FAULTY)
def test_a_fault_of_each_kind_is_found(kind: Kind, catalogue: str, sentence: str) -> None:
    assert faults(parsed(catalogue), parsed(OF_CODE)) == [(kind, sentence)]
