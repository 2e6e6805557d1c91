"""A keyboard user: the focused element by role and key, and whether its focus is visible."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import CDPSession, ElementHandle, Error, Frame, Page

NOWHERE: Final = ""
"""The browser's own buttons, which come after the last stop of a page and before its first."""

# Roles of Chromium's accessibility tree with another name here.
_ROLES: Final = {"DisclosureTriangle": "menu", "none": ""}
_NAMELESS: Final = ("none", "main")
_WAIT_SECONDS: Final = 15
_KEY_SECONDS: Final = 5

# What an element is, the same in every language: its id, else what it submits, closes or leads to.
_KEY: Final = """(found) => {
    if (found.dataset.sheet) return found.dataset.sheet;
    if (found.id) return found.id;
    if (found.name) return found.type === "submit" ? `${found.name}=${found.value}` : found.name;
    const mark = ["close", "retry", "print"].find((each) => each in found.dataset);
    return mark ?? (found.hreflang || found.getAttribute("href") || found.type || "");
}"""

# The ring is outside its element, on the nearest painted background.
_SEEN: Final = """(found) => {
    const style = getComputedStyle(found);
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const channels = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => channels(colour).slice(0, 3).map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0.05);
    let ground = found.parentElement;
    while (ground && channels(getComputedStyle(ground).backgroundColor)[3] < 255) ground = ground.parentElement;
    const pair = [style.outlineColor, getComputedStyle(ground ?? document.body).backgroundColor].map(light);
    const box = found.getBoundingClientRect();
    const middle = (from, to, end) => (Math.max(0, from) + Math.min(to, end)) / 2;
    const top = document.elementFromPoint(middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
    return {
        control: !found.matches("h1[tabindex='-1'], h2[tabindex='-1']"),
        ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        contrast: Math.max(...pair) / Math.min(...pair),
        uncovered: found.contains(top),
    };
}"""


async def _focused_node(session: CDPSession) -> dict[str, Any]:
    """The focused node of the accessibility tree; `ignored` when it is not part of the tree."""
    active = await session.send("Runtime.evaluate", {"expression": "document.activeElement"})
    query = {"objectId": active["result"]["objectId"], "fetchRelatives": False}
    node: dict[str, Any] = (await session.send("Accessibility.getPartialAXTree", query))["nodes"][0]
    return node


@dataclass(frozen=True, slots=True)
class Keyboard:
    page: Page

    async def focus(self) -> str:
        """Role and key of the focused element, also in a frame: `button cancel`; `unnamed` if it has no accessible name."""
        async with asyncio.timeout(_WAIT_SECONDS):
            frame, element = await self._focused_element()
            session = await self.page.context.new_cdp_session(self.page if frame is self.page.main_frame else frame)
            try:
                node = await _focused_node(session)
                while node["ignored"] and await element.evaluate("(found) => found.isConnected && found !== document.body"):
                    await asyncio.sleep(0.05)  # the tree follows the page a moment later
                    node = await _focused_node(session)
            finally:
                await session.detach()
        role = node["role"]["value"]
        named = role in _NAMELESS or node.get("name", {}).get("value")
        return f"{'' if named else 'unnamed '}{_ROLES.get(role, role)} {await element.evaluate(_KEY)}".strip()

    async def wait_for(self, stop: str) -> None:
        """Wait until `stop` has a visible focus. A frame of another origin gets the focus a moment later."""
        seen = ""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while seen != stop:
                    seen = await self._focus_and_problem()
        except TimeoutError:
            raise AssertionError(f"{stop} is where the focus should be, not {seen}") from None

    async def press(self, *keys: str) -> None:
        """Press keys. A key that removes its own frame may never be acknowledged, so a missing acknowledgement is ignored."""
        for key in keys:
            with suppress(TimeoutError):
                async with asyncio.timeout(_KEY_SECONDS):
                    await self.page.keyboard.press(key)

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def tab(self, *stops: str) -> None:
        """Press Tab once for each of these stops, in this order."""
        for stop in stops:
            await self.press("Tab")
            assert await self.focus() == stop
            await self.assert_visible()

    async def back(self, *stops: str) -> None:
        for stop in stops:
            await self.press("Shift+Tab")
            assert await self.focus() == stop
            await self.assert_visible()

    async def reach(self, stop: str) -> None:
        """Press Tab until `stop` has the focus."""
        passed: list[str] = []
        while (current := await self.next()) != stop:
            passed.append(current)
            assert current != NOWHERE, f"there is no {stop} from here on"
            assert len(passed) < 100, f"the focus is trapped: {passed[-5:]}"

    async def all_stops(self) -> list[str]:
        """All stops from the current one until the focus leaves the page. Call it last: after the browser's own buttons had
        the focus, frames of other origins no longer get it."""
        stops: list[str] = []
        while stop := await self.next():
            stops.append(stop)
            assert len(stops) < 100, f"the focus is trapped: {stops[-5:]}"
        return stops

    async def next(self) -> str:
        await self.press("Tab")
        stop = await self.focus()
        if stop != NOWHERE:
            await self.assert_visible()
        return stop

    async def assert_visible(self) -> None:
        """Assert nothing on top of it (WCAG 2.4.11) and, for a control, a ring with enough contrast (2.4.7, 1.4.11)."""
        hidden = await self._hidden()
        assert hidden is None, f"{await self.focus()}: {hidden}"

    async def _hidden(self) -> dict[str, Any] | None:
        """Measurements of an invisible focus; None when it is visible."""
        frame, element = await self._focused_element()
        seen: dict[str, Any] = await element.evaluate(_SEEN)
        ringed = not seen["control"] or (seen["ring"] >= 2 and seen["contrast"] >= 3)
        shows = ringed and seen["uncovered"] and await self._in_view(frame, element)
        return None if shows else seen

    async def _in_view(self, frame: Frame, element: ElementHandle) -> bool:
        """Whether a part of the element is on the screen, also in a frame inside a scrolled dialog."""
        box = await element.bounding_box()
        if box is None:
            return False
        width, height = await self.page.evaluate("[innerWidth, innerHeight]")
        x = (max(0, box["x"]) + min(box["x"] + box["width"], width)) / 2
        y = (max(0, box["y"]) + min(box["y"] + box["height"], height)) / 2
        if not (0 <= x <= width and 0 <= y <= height):
            return False
        if frame is self.page.main_frame:
            return True
        return bool(await self.page.evaluate("([x, y]) => document.elementFromPoint(x, y)?.tagName === 'IFRAME'", [x, y]))

    async def _focus_and_problem(self) -> str:
        """The focused element and its visibility problem; empty while a page is replaced by the next."""
        try:
            current, hidden = await self.focus(), await self._hidden()
        except Error:
            return NOWHERE
        return f"{current} {hidden}" if hidden else current

    async def _focused_element(self) -> tuple[Frame, ElementHandle]:
        """The focused element and its frame."""
        frame = self.page.main_frame
        while True:
            element = (await frame.evaluate_handle("document.activeElement")).as_element()
            if element is None:
                raise Error("the document is being replaced")
            inner = await element.content_frame()
            if inner is None:
                return frame, element
            frame = inner
