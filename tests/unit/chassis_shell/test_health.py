"""Readiness is answered while parts of the process still start."""

from chassis.runtime.health import Health


async def test_a_check_that_is_added_during_a_probe_does_not_fail_it() -> None:
    health = Health()

    async def slow() -> str | None:
        health.add("consumer", failing)
        health.watch("tasks", failing)
        return None

    async def failing() -> str | None:
        return "no progress"

    health.add("database", slow)
    health.watch("settings", slow)
    await health.answer()
    assert await health.answer() == (
        503,
        {"status": "failing", "failures": {"consumer": "no progress"}, "degraded": {"tasks": "no progress"}},
    )
