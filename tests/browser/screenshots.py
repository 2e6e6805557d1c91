"""Pictures of every state of the gallery, and the page that shows them all: `make screenshots`.

Two widths, light and dark, in Spanish; what is listed in ENGLISH once more in English. The same code gives the same
pictures: clock, ids and motion stand still.
"""

import argparse
import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from browser.gallery import STATES
from browser.gallery_opening import LANGUAGES, SCHEMES, Language, fresh, opened
from PIL import Image
from playwright.async_api import Browser, Page

from support.browsing import chrome
from support.portal_page.page_objects import frame_at_rest

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
HEIGHTS: Final = {1280: 860, 390: 844}
ENGLISH: Final = ("active", "past-due", "invoice", "cancel", "card-and-debt")
COLOURS: Final = 256
"""In a picture: letters stay sharp, small spots keep their colour, and it weighs half of what methods for photographs make."""

INTRODUCTION: Final = """# Every state of the page

Made by `make screenshots` of the list that the browser tests check, `tests/browser/gallery.py`.
"""


async def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with patch("portal_gateway.adapters.page.error_pages.uuid4", lambda: UUID(int=0x5EED << 112)):
        async with chrome() as browser:
            for language in LANGUAGES:
                async with fresh(browser, language) as page:
                    for name in names:
                        if language in languages(name):
                            await picture(browser, page, folder, name, language)
    if names == list(STATES):
        (folder / "README.md").write_text(readme())


def languages(name: str) -> list[Language]:
    return [language for language in LANGUAGES if language == "es" or name in ENGLISH]


async def picture(browser: Browser, page: Page, folder: Path, name: str, language: Language) -> None:
    async with opened(browser, STATES[name], language, page) as found:
        for width, height in HEIGHTS.items():
            await found.page.set_viewport_size({"width": width, "height": height})
            await still(found.page)
            await found.page.set_viewport_size({"width": width, "height": max(height, await tall(found.page))})
            for scheme in SCHEMES:
                await found.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                await found.page.evaluate("scrollTo(0, 0)")
                await still(found.page)
                taken = await found.page.screenshot(animations="disabled")
                keep(taken, folder / file_name(name, width, scheme, language))


async def still(page: Page) -> None:
    if await page.locator("iframe").count():
        await frame_at_rest(page)


async def tall(page: Page) -> int:
    """How high a window shows all of the page, or of the dialog in front of it."""
    return int(
        await page.evaluate("""() => {
        const dialog = document.querySelector("dialog[open]");
        return dialog ? dialog.scrollHeight + 100 : document.documentElement.scrollHeight;
    }""")
    )


def keep(taken: bytes, path: Path) -> None:
    """With its commonest colours as they are, and every other one as the nearest of those."""
    picture = Image.open(BytesIO(taken)).convert("RGB")
    counted: Any = picture.getcolors(picture.width * picture.height)
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _, colour in sorted(counted, reverse=True)[:COLOURS] for channel in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB").save(path, "WEBP", lossless=True, quality=100)


def file_name(name: str, width: int, scheme: str, language: Language) -> str:
    return f"{name}-{width}-{scheme}{'' if language == 'es' else f'-{language}'}.webp"


def readme() -> str:
    parts = [INTRODUCTION]
    for name in STATES:
        parts += [section(name, language) for language in languages(name)]
    return "\n".join(parts)


def section(name: str, language: Language) -> str:
    shots = [(width, scheme) for width in HEIGHTS for scheme in SCHEMES]
    head = " | ".join(f"{width} {scheme}" for width, scheme in shots)
    cells = " | ".join(f"![{name}]({file_name(name, width, scheme, language)})" for width, scheme in shots)
    title = name.replace("-", " ").capitalize() + (" (en)" if language == "en" else "")
    return f"## {title}\n\n| {head} |\n| {' | '.join(['---'] * len(shots))} |\n| {cells} |\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="states; all when none is named")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    asyncio.run(main(given.folder, given.names or list(STATES)))
