"""Violations that axe-core finds in a page and in its card frame, as short lines."""

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Frame, Page

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS: Final[dict[str, Any]] = {"runOnly": TAGS, "resultTypes": ["violations"], "elementRef": True, "preload": False}
INSIDE: Final[dict[str, Any]] = {**OPTIONS, "rules": {"page-has-heading-one": {"enabled": False}}}
"""Options for a frame: the page around it has the heading."""

WITHOUT_TIMERS: Final = """() => {
    if (matchMedia("(scripting: none)").matches) {
        window.setTimeout = (act, _, ...given) => { Promise.resolve().then(() => act(...given)); return 0; };
    }
}"""
"""Without scripts no timer fires, and axe would wait for one."""

RUN: Final = """async (options) => {
    const menu = document.querySelector("details[open] > :not(summary)");
    const covered = (element) => {
        if (!menu || menu.contains(element)) return false;
        const [over, under] = [menu, element].map((each) => each.getBoundingClientRect());
        return under.left < over.right && under.right > over.left && under.top < over.bottom && under.bottom > over.top;
    };
    return (await axe.run(options)).violations.flatMap(({ id, nodes }) => nodes
        .filter(({ element }) => id !== "target-size" || !covered(element))
        .map(({ element }) => `${id}: ${element.outerHTML.slice(0, 150)}`));
}"""
"""Targets that an open menu covers in part are not reported: closing the menu uncovers them."""


async def violations(page: Page) -> list[str]:
    """axe is injected once per frame."""
    findings: list[str] = []
    for frame in page.frames:
        if frame.url.startswith("http") and not await hidden(frame):
            if not await frame.evaluate("'axe' in window"):
                await frame.evaluate(WITHOUT_TIMERS)
                await frame.evaluate(AXE_SCRIPT)
            findings += await frame.evaluate(RUN, OPTIONS if frame is page.main_frame else INSIDE)
    return findings


async def hidden(frame: Frame) -> bool:
    """Whether the frame is a card frame that has not reported yet."""
    if frame.parent_frame is None:
        return False
    return not await (await frame.frame_element()).is_visible()
