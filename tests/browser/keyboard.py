"""Whoever has only a keyboard: what has the focus, by role and name, and whether they can see where they are."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import CDPSession, ElementHandle, Error, Frame, Page

NOWHERE: Final = ""
"""The browser's own buttons, after the last stop of a page and before its first."""

# What the browser's accessibility tree calls the word that opens a menu.
_ROLES: Final = {"DisclosureTriangle": "menu", "none": ""}
_WAIT_SECONDS: Final = 15
_KEY_SECONDS: Final = 5

# The ring lies outside its element, on the nearest ground that is painted around it.
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
        ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
        contrast: Math.max(...pair) / Math.min(...pair),
        uncovered: found.contains(top),
    };
}"""


async def _told(session: CDPSession) -> dict[str, Any]:
    """What has the focus in the accessibility tree; `ignored` when it is not part of it."""
    found = await session.send("Runtime.evaluate", {"expression": "document.activeElement"})
    asked = {"objectId": found["result"]["objectId"], "fetchRelatives": False}
    told: dict[str, Any] = (await session.send("Accessibility.getPartialAXTree", asked))["nodes"][0]
    return told


@dataclass(frozen=True, slots=True)
class Keyboard:
    page: Page

    async def focus(self) -> str:
        """`button Cancelar suscripción`, as the browser tells it to assistive technology; inside a frame too."""
        async with asyncio.timeout(_WAIT_SECONDS):
            frame, element = await self._place()
            session = await self.page.context.new_cdp_session(self.page if frame is self.page.main_frame else frame)
            try:
                node = await _told(session)
                while node["ignored"] and await element.evaluate("(found) => found.isConnected && found !== document.body"):
                    await asyncio.sleep(0.05)  # the tree follows the page a moment later
                    node = await _told(session)
            finally:
                await session.detach()
        role = node["role"]["value"]
        return f"{_ROLES.get(role, role)} {node.get('name', {}).get('value', '')}".strip()

    async def at(self, stop: str) -> None:
        """Waits until `stop` has the focus and shows it: a frame of another origin takes a moment to learn of it."""
        seen = ""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while seen != stop:
                    seen = await self._glance()
        except TimeoutError:
            raise AssertionError(f"{stop} is where the focus should be, not {seen}") from None

    async def press(self, *keys: str) -> None:
        """A key that takes away the frame that it is pressed in may never be acknowledged: whoever presses it looks on."""
        for key in keys:
            with suppress(TimeoutError):
                async with asyncio.timeout(_KEY_SECONDS):
                    await self.page.keyboard.press(key)

    async def type(self, text: str) -> None:
        await self.page.keyboard.type(text)

    async def tab(self, *stops: str) -> None:
        """One press for each of these stops, in this order."""
        for stop in stops:
            await self.press("Tab")
            assert await self.focus() == stop
            await self.must_show()

    async def back(self, *stops: str) -> None:
        for stop in stops:
            await self.press("Shift+Tab")
            assert await self.focus() == stop
            await self.must_show()

    async def reach(self, stop: str) -> None:
        """Goes on from stop to stop."""
        passed: list[str] = []
        while (found := await self.next()) != stop:
            passed.append(found)
            assert found != NOWHERE, f"there is no {stop} from here on"
            assert len(passed) < 100, f"the focus is trapped: {passed[-5:]}"

    async def round(self) -> list[str]:
        """Every stop, from where the focus is until it leaves the page. To be done last: a window whose own buttons had
        the focus gives none to the frames of other origins."""
        stops: list[str] = []
        while found := await self.next():
            stops.append(found)
            assert len(stops) < 100, f"the focus is trapped: {stops[-5:]}"
        return stops

    async def next(self) -> str:
        await self.press("Tab")
        found = await self.focus()
        if found != NOWHERE:
            await self.must_show()
        return found

    async def must_show(self) -> None:
        """A ring that stands out from what is behind it (WCAG 2.4.7, 1.4.11), and nothing on top (2.4.11)."""
        hidden = await self._hidden()
        assert hidden is None, f"{await self.focus()}: {hidden}"

    async def _hidden(self) -> dict[str, Any] | None:
        """What is measured of a focus that cannot be seen, None when it can."""
        frame, element = await self._place()
        seen: dict[str, Any] = await element.evaluate(_SEEN)
        shows = seen["ring"] >= 2 and seen["contrast"] >= 3 and seen["uncovered"] and await self._in_view(frame, element)
        return None if shows else seen

    async def _in_view(self, frame: Frame, element: ElementHandle) -> bool:
        """Whether some of it shows on the screen, also when it is in a frame that is scrolled inside a dialog."""
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

    async def _glance(self) -> str:
        """What has the focus, and what is wrong with how it shows; nothing while a page gives way to the next."""
        try:
            found, hidden = await self.focus(), await self._hidden()
        except Error:
            return NOWHERE
        return f"{found} {hidden}" if hidden else found

    async def _place(self) -> tuple[Frame, ElementHandle]:
        """What has the focus, and the frame that it is in."""
        frame = self.page.main_frame
        while True:
            element = (await frame.evaluate_handle("document.activeElement")).as_element()
            if element is None:
                raise Error("the document is being replaced")
            inner = await element.content_frame()
            if inner is None:
                return frame, element
            frame = inner
