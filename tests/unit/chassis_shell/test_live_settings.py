"""Settings in files are read again when a file changes and after SIGHUP. Bad content changes nothing."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chassis.runtime.health import Health
from chassis.service.live_settings import LiveSettings
from chassis.service.settings import ServiceSettings, read_settings
from support.settings import GOOD

OLD, NEW, NEWER = ("o" * 32, "n" * 32, "m" * 32)
Live = LiveSettings[ServiceSettings]


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Contains the cursor key. All other settings are variables."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CURSOR_KEY")
    monkeypatch.setenv("CURSOR_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text(OLD)
    return tmp_path / "key"


def live_settings() -> Live:
    read = partial(read_settings, ServiceSettings)
    return Live(read(), read)


def used_keys(live: Live) -> list[tuple[str, ...]]:
    """Each list of cursor keys that the process has changed to."""
    used: list[tuple[str, ...]] = []
    live.on_change(["cursor_key"], lambda settings: used.append(settings.cursor_keys))
    return used


async def look_twice(live: Live) -> None:
    await live.look()
    await live.look()


def rewrite(file: Path, content: str) -> None:
    file.write_text(content)


def replace(file: Path, content: str) -> None:
    fresh = file.with_name("fresh")
    fresh.write_text(content)
    fresh.replace(file)


def point_elsewhere(file: Path, content: str) -> None:
    """As Kubernetes does with the files of a Secret."""
    folder = file.parent / str(len(content))
    folder.mkdir()
    (folder / "key").write_text(content)
    file.unlink(missing_ok=True)
    file.symlink_to(folder / "key")


@pytest.mark.parametrize("write", [rewrite, replace, point_elsewhere])
async def test_a_changed_file_is_used_without_a_restart(file: Path, write: Callable[[Path, str], None]) -> None:
    live = live_settings()
    used = used_keys(live)
    for content in (f"{NEW},{OLD}", NEW):
        write(file, content)
        await look_twice(live)
    assert used == [(NEW, OLD), (NEW,)]
    assert live.current.cursor_keys == (NEW,)


async def test_a_file_is_not_read_while_it_is_written(file: Path) -> None:
    live = live_settings()
    used = used_keys(live)
    for length in (1, 33, 64):
        rewrite(file, f"{NEW},{NEWER}"[:length])
        await live.look()
    assert used == []
    rewrite(file, f"{NEW},{NEWER}")
    await look_twice(live)
    assert used == [(NEW, NEWER)]


async def test_after_the_signal_a_file_is_read_at_once(file: Path) -> None:
    live, stop = live_settings(), asyncio.Event()
    used = used_keys(live)
    watching = asyncio.create_task(live.watch(stop))
    await asyncio.sleep(0)
    rewrite(file, NEW)
    live.reload_soon()
    async with asyncio.timeout(30):
        while not used:
            await asyncio.sleep(0.01)
        stop.set()
        await watching
    assert used == [(NEW,)]


@pytest.mark.parametrize("bad", ["", "short", f"{NEW},short", f"{NEW},{NEW}", f"{NEW}\x00"])
async def test_bad_content_is_one_error_that_names_the_setting_and_changes_nothing(file: Path, bad: str) -> None:
    live, health = live_settings(), Health()
    live.report_to(health)
    used = used_keys(live)
    rewrite(file, bad)
    with capture_logs() as logs:
        for _ in range(5):
            await live.look()
    assert [(log["event"], log["log_level"], len(log["problems"])) for log in logs] == [("settings.not_reloaded", "error", 1)]
    assert logs[0]["problems"][0].startswith("CURSOR_KEY ")
    assert NEW not in str(logs)
    assert (used, live.current.cursor_keys) == ([], (OLD,))
    assert (await health.degraded()).keys() == {"settings"}
    rewrite(file, NEW)
    await look_twice(live)
    assert used == [(NEW,)]
    assert await health.degraded() == {}


async def test_a_file_that_is_gone_changes_nothing(file: Path) -> None:
    live = live_settings()
    file.unlink()
    with capture_logs() as logs:
        await look_twice(live)
    assert logs[0]["problems"][0].startswith("CURSOR_KEY_FILE ")
    assert live.current.cursor_keys == (OLD,)
    rewrite(file, NEW)
    await look_twice(live)
    assert live.current.cursor_keys == (NEW,)


async def test_a_file_with_the_same_content_changes_nothing(file: Path) -> None:
    live = live_settings()
    used = used_keys(live)
    replace(file, OLD)
    with capture_logs() as logs:
        await look_twice(live)
    assert (used, logs) == ([], [])


async def test_a_file_that_changed_before_the_first_look_is_used(file: Path) -> None:
    read = partial(read_settings, ServiceSettings)
    settings = read()
    rewrite(file, NEW)
    live, stop = Live(settings, read), asyncio.Event()
    used = used_keys(live)
    watching = asyncio.create_task(live.watch(stop))
    async with asyncio.timeout(30):
        while not used:
            await asyncio.sleep(0.01)
        stop.set()
        await watching
    assert used == [(NEW,)]


async def test_values_that_do_not_work_are_not_used_until_they_do(file: Path) -> None:
    live = live_settings()
    used, works = used_keys(live), False

    async def check(_: ServiceSettings) -> None:
        if not works:
            raise OSError("refused")

    live.check(["cursor_key"], check)
    rewrite(file, NEW)
    with capture_logs() as logs:
        for _ in range(4):
            await live.look()
    assert [log["problems"] for log in logs] == [["CURSOR_KEY cannot be used: OSError: refused"]]
    assert live.current.cursor_keys == (OLD,)
    works = True
    await live.look()
    assert used == [(NEW,)]


async def test_a_changed_setting_that_needs_a_restart_is_named(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    monkeypatch.delenv("HTTP_PORT")
    monkeypatch.setenv("HTTP_PORT_FILE", str(tmp_path / "port"))
    (tmp_path / "port").write_text("1024")
    live = live_settings()
    used = used_keys(live)
    rewrite(file, NEW)
    (tmp_path / "port").write_text("1025")
    with capture_logs() as logs:
        await look_twice(live)
    assert [(log["event"], log["changed"]) for log in logs] == [
        ("settings.reloaded", ["cursor_key"]),
        ("settings.restart_needed", ["http_port"]),
    ]
    assert used == [(NEW,)]


async def test_a_changed_certificate_counts_as_a_change_of_the_setting_that_names_it(file: Path, tmp_path: Path) -> None:
    certificate = tmp_path / "ca.pem"
    certificate.write_text("one")
    named = read_settings(ServiceSettings).model_copy(update={"kafka_ca_file": certificate})
    live = Live(named, lambda: named)
    changes: list[Path | None] = []
    live.on_change(["kafka_ca_file"], lambda settings: changes.append(settings.kafka_ca_file))
    await look_twice(live)
    assert changes == []
    certificate.write_text("two")
    await look_twice(live)
    await look_twice(live)
    assert changes == [certificate]


async def test_a_worker_stops_and_starts_again_with_the_new_value(file: Path) -> None:
    live, stop = live_settings(), asyncio.Event()
    runs: list[Any] = []

    async def worker(stop: asyncio.Event) -> None:
        runs.append(live.current.cursor_keys)
        await stop.wait()

    running = asyncio.create_task(live.restarting(["cursor_key"], worker)(stop))
    for number, content in enumerate((NEW, NEWER), 1):
        async with asyncio.timeout(30):
            while len(runs) < number:
                await asyncio.sleep(0.01)
        rewrite(file, content)
        await look_twice(live)
    async with asyncio.timeout(30):
        while len(runs) < 3:
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert runs == [(OLD,), (NEW,), (NEWER,)]


async def test_a_worker_that_ends_without_a_change_is_not_started_again(file: Path) -> None:
    runs = 0

    async def worker(stop: asyncio.Event) -> None:
        nonlocal runs
        runs += 1

    await live_settings().restarting(["cursor_key"], worker)(asyncio.Event())
    assert runs == 1
