"""The spreadsheet of the tests: the machine's LibreOffice Calc, else one that is installed now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree
from xml.sax.saxutils import escape

_NAMES = ("soffice", "libreoffice", "localc")
_PACKAGE = "libreoffice-calc-nogui"
MISSING = (
    "The tests of downloads open them with LibreOffice Calc, and none was found that starts. "
    f"Install it (Debian: apt-get install {_PACKAGE}) and run this again."
)

Cell: TypeAlias = tuple[str, str]
"""(type, value): `string`, `float`, `date`, `boolean` …, or `formula`; an empty cell is `("", "")`."""

_AS_OFFERED = "CSV:44/59/9,34,76,1"
"""The defaults of Calc's import dialog for a file with a byte-order mark: commas, semicolons and tabs; UTF-8."""
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VALUES = ("value", "date-value", "time-value", "boolean-value")


def executable() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def opened(table: bytes, locale: str, folder: Path) -> list[list[Cell]]:
    """The rows of a CSV as Calc imports them with the dialog's defaults, in the country of `locale`.

    Raises LookupError when there is no LibreOffice.
    """
    program = executable()
    if program is None:
        raise LookupError(MISSING)
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS.format(locale=escape(locale)))
    (folder / "table.csv").write_bytes(table)
    ran = subprocess.run(
        [
            program,
            "--headless",
            f"-env:UserInstallation={profile.as_uri()}",
            f"--infilter={_AS_OFFERED}",
            "--convert-to",
            "fods",
            "--outdir",
            folder,
            folder / "table.csv",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    result = folder / "table.fods"
    assert result.exists(), f"LibreOffice converted nothing: {ran.stdout}{ran.stderr}"
    rows = ElementTree.parse(result).getroot().iter(f"{_TABLE}table-row")
    read = [_cells(row) for row in rows]
    while read and not any(cell != ("", "") for cell in read[-1]):
        read.pop()
    return read


def _cells(row: ElementTree.Element) -> list[Cell]:
    cells: list[Cell] = []
    for element in row.iter(f"{_TABLE}table-cell"):
        times = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
        cells += [_cell(element)] * (times if times < 100 else 1)  # the sheet's empty end is one long repetition
    while cells and cells[-1] == ("", ""):
        cells.pop()
    return cells


def _cell(element: ElementTree.Element) -> Cell:
    formula = element.get(f"{_TABLE}formula")
    if formula is not None:
        return "formula", formula
    kind = element.get(f"{_OFFICE}value-type", "")
    value = next((attribute for name in _VALUES if (attribute := element.get(_OFFICE + name)) is not None), None)
    return kind, "\n".join(_text(line) for line in element.iter(f"{_TEXT}p")) if value is None else value


def _text(element: ElementTree.Element) -> str:
    """The text, with the spaces that OpenDocument writes as elements."""
    parts = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            parts.append(" " * int(child.get(f"{_TEXT}c", "1")))
        elif child.tag == f"{_TEXT}tab":
            parts.append("\t")
        else:
            parts.append(_text(child))
        parts.append(child.tail or "")
    return "".join(parts)


_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><item oor:path="/org.openoffice.Setup/L10N">
<prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>{locale}</value></prop></item></oor:items>
"""


def main() -> None:
    if executable() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", _PACKAGE], check=False)
    path = executable()
    version = subprocess.run([path, "--version"], capture_output=True, check=False) if path else None
    if version is None or version.returncode != 0:
        sys.exit(MISSING)


if __name__ == "__main__":
    main()
