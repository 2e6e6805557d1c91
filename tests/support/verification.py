"""`verify` on a system stack, or on copies of its databases."""

from collections.abc import Mapping

from portalctl.settings import Settings
from support.system_stack import Stack
from verify.running import Result, verify
from verify.sources import Sources, sources_of


async def run_verify(stack: Stack, databases: Mapping[str, str] | None = None) -> Result:
    defaults = sources_of(stack.state, stack.folder / "logs", Settings())
    sources = Sources(databases or defaults.databases, defaults.kafka, defaults.logs)
    return await verify(sources, patience=30, progress=lambda _: None)


def broken(result: Result) -> dict[str, list[str]]:
    return {verdict.invariant.id: verdict.differences for verdict in result.verdicts if not verdict.holds}
