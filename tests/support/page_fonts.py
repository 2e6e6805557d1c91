"""Make the page's fonts from those of the invoices: `PYTHONPATH=tests .venv/bin/python -m support.page_fonts`.

Needs the package `brotli` for WOFF2. A subset of both weights weighs 26 kB; with Latin Extended-A it would be 34 kB, beyond the
limit of docs/page-weight.md. Other letters are shown in the system's typeface.
"""

from pathlib import Path
from typing import Final

from fontTools import subset
from fontTools.ttLib import TTFont

SERVICES: Final = Path(__file__).parents[2] / "services"
FROM: Final = SERVICES / "invoicing/src/invoicing/adapters/document/fonts"
INTO: Final = SERVICES / "portal-gateway/src/portal_gateway/adapters/page/static"
WEIGHTS: Final = {"inter-400.woff2": "Inter-Regular.otf", "inter-600.woff2": "Inter-SemiBold.otf"}
LETTERS: Final = {*range(0x20, 0x7F), *range(0xA0, 0x100), 0x131, 0x152, 0x153}
SIGNS: Final = {0x2BC, *range(0x2010, 0x2016), *range(0x2018, 0x201F), *range(0x2020, 0x2023), 0x2026, 0x202F, 0x2039, 0x203A}
SYMBOLS: Final = {0x20AC, *range(0x2190, 0x2194), 0x2212}
"""The euro, arrows, minus."""


def main() -> None:
    for name, source in WEIGHTS.items():
        font = TTFont(FROM / source, recalcTimestamp=False)
        options = subset.Options(hinting=False, desubroutinize=True, layout_features=["kern", "tnum"], flavor="woff2")
        maker = subset.Subsetter(options)
        maker.populate(unicodes=LETTERS | SIGNS | SYMBOLS)
        maker.subset(font)
        font.flavor = "woff2"
        font.save(INTO / name)


if __name__ == "__main__":
    main()
