"""Rebuild the Noto fonts that invoices embed: `PYTHONPATH=tests .venv/bin/python -m support.fonts`.

From Debian's packages fonts-noto-core, fonts-noto-cjk and unicode-data and from npm's @expo-google-fonts/noto-emoji (Noto
Emoji, monochrome). What only screens need (hinting) is left out; of the Chinese, Japanese and Korean characters those stay
that people write today: China's table of 2013, the core set of all regions, JIS X 0208 with IBM's additions, KS X 1001.
Other versions of the packages make other bytes, and so other documents: see tests/unit/invoicing/test_document.py.
"""

import bz2
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTFont

INTO: Final = Path(__file__).parents[2] / "services/invoicing/src/invoicing/adapters/document/fonts"
DEBIAN: Final = ("fonts-noto-core", "fonts-noto-cjk", "unicode-data")
EMOJI: Final = "@expo-google-fonts/noto-emoji@0.4.7"
SIMPLIFIED_CHINESE: Final = 2
"""Its place in the collection: the shapes of characters that regions write differently are the Chinese ones."""
SCRIPTS: Final = (
    *("Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew", "Kannada"),
    *("Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai"),
)
NAMES: Final = [0, 1, 2, 3, 4, 5, 6, 13, 14]
"""Copyright, family, style, …, licence and its address."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        fetch(sources)
        noto = sources / "usr/share/fonts"
        for name in ("NotoSans", *(f"NotoSans{script}" for script in SCRIPTS)):
            make(opened(noto / f"truetype/noto/{name}-Regular.ttf"), f"{name}-Regular.ttf")
        cjk = opened(noto / "opentype/noto/NotoSansCJK-Regular.ttc", SIMPLIFIED_CHINESE)
        make(cjk, "NotoSansCJKsc-Regular.otf", written_today(sources / "usr/share/unicode"), features=())
        shutil.copy(sources / "package/400Regular/NotoEmoji_400Regular.ttf", INTO / "NotoEmoji-Regular.ttf")


def fetch(into: Path) -> None:
    subprocess.run(["apt-get", "download", *DEBIAN], cwd=into, check=True)
    for package in into.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, into], check=True)
    subprocess.run(["npm", "pack", "--silent", EMOJI], cwd=into, check=True)
    with tarfile.open(next(into.glob("*.tgz"))) as emoji:
        emoji.extractall(into, filter="data")


def opened(file: Path, number: int = -1) -> TTFont:
    return TTFont(file, fontNumber=number, recalcTimestamp=False)


def make(font: TTFont, name: str, characters: Iterable[int] | None = None, features: Iterable[str] = ("*",)) -> None:
    """`characters`: all when None."""
    options = subset.Options(hinting=False, layout_features=list(features), notdef_outline=True, name_IDs=NAMES)
    if not features:
        options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]  # none is set from top to bottom
    maker = subset.Subsetter(options)
    maker.populate(unicodes=font.getBestCmap() if characters is None else characters)
    maker.subset(font)
    font.save(INTO / name)


def written_today(unicode: Path) -> set[int]:
    """The characters of Chinese, Japanese and Korean names and addresses, with their punctuation and syllables."""
    han = listed(unicode, "OtherMappings", "kTGH") | listed(unicode, "IRGSources", "kIICore")
    kanji = listed(unicode, "OtherMappings", "kJis0") | listed(unicode, "OtherMappings", "kIBMJapan")
    kana_and_signs = {*range(0x3000, 0x3100), *range(0xFF00, 0xFFF0)}
    hangul = {ord(bytes((row, cell)).decode("euc_kr")) for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)}
    return han | kanji | kana_and_signs | hangul


def listed(unicode: Path, file: str, property: str) -> set[int]:
    with bz2.open(unicode / f"Unihan_{file}.txt.bz2", "rt") as lines:
        return {int(line.split("\t")[0][2:], 16) for line in lines if f"\t{property}\t" in line}


if __name__ == "__main__":
    main()
