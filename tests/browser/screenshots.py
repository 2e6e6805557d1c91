"""Screenshots of the gallery's states: `make screenshots`.

Two widths, light and dark, in Spanish; the states of ENGLISH also in English. The pictures that docs/screenshots/README.md
shows are written beside it, all others and an index of all to its folder `all`, which git ignores. The same code makes the
same pictures: clock, ids and motion are fixed.
"""

import argparse
import asyncio
import re
from dataclasses import replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from browser.gallery import STATES
from browser.gallery_states import LANGUAGES, SCHEMES, Language, Opened, State, fresh, opened
from browser.live_stage import close_servers
from PIL import Image
from playwright.async_api import Browser, Page

from support.browsing import chrome
from support.portal_page.page_objects import wait_until_frame_is_still

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
HEIGHTS: Final = {1280: 860, 390: 844}
ENGLISH: Final = ("active", "past-due", "invoice", "cancel", "card-and-debt")
REFERENCE: Final = "5eed00000000"
"""Instead of a random reference on pages about a problem."""
COLOURS_MAX: Final = 256
"""Per picture: letters stay sharp, small areas keep their colour, and files are half as large as with photo compression."""

INTRODUCTION: Final = """# Every state of the page

Made by `make screenshots` from the list that the browser tests check, `tests/browser/gallery.py`.
"""


async def main(folder: Path, names: list[str]) -> None:
    async with chrome() as browser:
        await take_all(browser, folder, names)
    await close_servers()
    if names == list(STATES):
        (folder / "all" / "README.md").write_text(index())


async def take_all(browser: Browser, folder: Path, names: list[str]) -> None:
    (folder / "all").mkdir(parents=True, exist_ok=True)
    with patch("portal_gateway.adapters.page.error_pages.new_request_id", lambda: REFERENCE):
        for language in LANGUAGES:
            async with fresh(browser, language) as page:
                for name in names:
                    if language in languages(name):
                        await take(browser, page, folder, name, language)


def languages(name: str) -> list[Language]:
    return [language for language in LANGUAGES if language == "es" or name in ENGLISH]


async def take(browser: Browser, page: Page, folder: Path, name: str, language: Language) -> None:
    async with opened(browser, with_typeface(STATES[name]), language, page) as display:
        for width, height in HEIGHTS.items():
            await display.page.set_viewport_size({"width": width, "height": height})
            await wait_for_layout(display.page)
            await display.page.set_viewport_size({"width": width, "height": max(height, await content_height(display.page))})
            for scheme in SCHEMES:
                await display.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                await display.page.evaluate("scrollTo(0, 0)")
                await wait_for_layout(display.page)
                taken = await display.page.screenshot(animations="disabled")
                save(taken, folder / "all" / path(name, width, scheme, language))


def with_typeface(state: State) -> State:
    """The state in a browser that has the fonts: on a first visit it may use the system's typeface."""

    async def steps(display: Opened) -> None:
        await display.go("/ended")
        await display.page.evaluate("Promise.all([...document.fonts].map((font) => font.load())).then(() => null)")
        await state.steps(display)

    return replace(state, steps=steps)


async def wait_for_layout(page: Page) -> None:
    if await page.locator("iframe").count():
        await wait_until_frame_is_still(page)


async def content_height(page: Page) -> int:
    """The height, in pixels, of a window that shows the whole page, or the whole dialog in front of it."""
    return int(
        await page.evaluate("""() => {
        const dialog = document.querySelector("dialog[open]");
        return dialog ? dialog.scrollHeight + 100 : document.documentElement.scrollHeight;
    }""")
    )


def save(taken: bytes, path: Path) -> None:
    """Keeps the picture's commonest colours and replaces each other one by the nearest of those."""
    picture = Image.open(BytesIO(taken)).convert("RGB")
    counted: Any = picture.getcolors(picture.width * picture.height)
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _, colour in sorted(counted, reverse=True)[:COLOURS_MAX] for channel in colour])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB").save(path, "WEBP", lossless=True, quality=100)


@cache
def documented() -> frozenset[str]:
    """File names of the pictures that the document shows."""
    return frozenset(re.findall(r"\]\(([\w-]+\.webp)\)", (FOLDER / "README.md").read_text()))


def path(name: str, width: int, scheme: str, language: Language) -> str:
    """Relative to the folder `all`."""
    file = f"{name}-{width}-{scheme}{'' if language == 'es' else f'-{language}'}.webp"
    return f"../{file}" if file in documented() else file


def index() -> str:
    parts = [INTRODUCTION]
    for name in STATES:
        parts += [section(name, language) for language in languages(name)]
    return "\n".join(parts)


def section(name: str, language: Language) -> str:
    shots = [(width, scheme) for width in HEIGHTS for scheme in SCHEMES]
    head = " | ".join(f"{width} {scheme}" for width, scheme in shots)
    cells = " | ".join(f"![{name}]({path(name, width, scheme, language)})" for width, scheme in shots)
    title = name.replace("-", " ").capitalize() + (" (en)" if language == "en" else "")
    return f"## {title}\n\n| {head} |\n| {' | '.join(['---'] * len(shots))} |\n| {cells} |\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="states to take; default: all")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    asyncio.run(main(options.folder, options.names or list(STATES)))
