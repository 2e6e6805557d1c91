"""Layout measurements: text that is cut, covered or off the screen, and elements that move."""

from typing import Any, Final

from playwright.async_api import Frame, Page

# Each visible text with the boxes of its lines.
_TEXTS: Final = """
    const texts = [];
    const walker = document.createTreeWalker(document.querySelector("dialog[open]") ?? document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode, parent = node.parentElement;
        const unseen = parent.closest("option, script, style, template, .hidden, .skip, .late")
            || !parent.checkVisibility({ visibilityProperty: true });
        if (unseen || !node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        texts.push({ words: node.data.trim(), parent, boxes: [...range.getClientRects()].filter((box) => box.width > 1) });
    }
"""

# Lines of two texts may overlap a little: their boxes are higher than their letters.
_UNREADABLE: Final = (
    "() => {"
    + _TEXTS
    + """
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 6;
    const found = [];
    texts.forEach(({ words, parent, boxes }, place) => {
        if (boxes.some((box) => box.left < -1 || box.right > innerWidth + 1)) found.push(["off the screen", words]);
        for (let around = parent; around; around = around.parentElement) {
            const style = getComputedStyle(around), frame = around.getBoundingClientRect();
            const cuts = (way) => style["overflow-" + way] === "hidden" || style["overflow-" + way] === "clip";
            const wide = cuts("x") && boxes.some((box) => box.left < frame.left - 1 || box.right > frame.right + 1);
            const high = cuts("y") && boxes.some((box) => box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
            if (wide || high) found.push(["cut", words]);
        }
        for (const other of texts.slice(place + 1)) {
            if (boxes.some((a) => other.boxes.some((b) => meet(a, b)))) found.push(["covered", words, other.words]);
        }
    });
    const scroller = document.querySelector("dialog[open]") ?? document.documentElement;
    if (scroller.scrollWidth > scroller.clientWidth) found.push(["two ways to scroll"]);
    return found;
}"""
)

# An animation that only changes visibility does not move anything.
_MOVES: Final = """() => {
    const all = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const rules = all.filter((rule) => rule instanceof CSSKeyframesRule);
    const moves = (name) => rules.some((rule) => rule.name === name
        && [...rule.cssRules].some((step) => [...step.style].some((changed) => !["visibility", "position"].includes(changed))));
    return [...document.querySelectorAll("*")]
        .flatMap((found) => ["", "::before", "::after"].map((part) => getComputedStyle(found, part || null)))
        .filter((style) => parseFloat(style.transitionDuration) > 0 || moves(style.animationName)).length;
}"""

_SHEET: Final = """(rules) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(rules);
    document.adoptedStyleSheets = [sheet];
}"""


async def unreadable(page: Page) -> list[Any]:
    """Text of the page, or of its open dialog and frame, that is cut, covered or off the screen."""
    return [problem for frame in page.frames for problem in await frame.evaluate(_UNREADABLE)]


async def moving(frame: Frame) -> int:
    """The number of elements with a transition or animation that takes time."""
    return int(await frame.evaluate(_MOVES))


async def styled(page: Page, rules: str) -> None:
    """Apply a user style sheet, in frames too."""
    for frame in page.frames:
        await frame.evaluate(_SHEET, rules)
