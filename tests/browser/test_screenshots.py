"""`make screenshots`: the pictures of a state are complete, and the same each time."""

from pathlib import Path

from browser.gallery_states import SCHEMES
from browser.screenshots import HEIGHTS, take_all
from playwright.async_api import Browser


async def test_the_pictures_of_a_problem_are_the_same_each_time(browser: Browser, tmp_path: Path) -> None:
    """The page shows a reference, which differs for each request."""
    pictures = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        await take_all(browser, folder, ["error"])
        pictures.append({path.name: path.read_bytes() for path in (folder / "all").iterdir()})
    assert pictures[0] == pictures[1]
    assert set(pictures[0]) == {f"error-{width}-{scheme}.webp" for width in HEIGHTS for scheme in SCHEMES}
