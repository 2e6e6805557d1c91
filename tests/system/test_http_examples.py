"""The examples of docs/http-apis.md run in order, and the answers have the printed shapes."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from portalctl.demo.story import TECHSOLUTIONS
from support.closed_schemas import closed, faults
from support.http_examples import Step, difference, steps
from support.system_stack import Shop

ROOT = Path(__file__).parents[2]
LOGO = Path("deploy/portalctl/demo/assets/logo.png")


@pytest.fixture
async def folder(a_shop: Shop, tmp_path: Path) -> Path:
    """A folder with the files that the page reads, as beside a running demo. The merchant is the test's own."""
    await a_shop.backend.call("subscriptions", "PATCH", f"/v1/merchants/{a_shop.id}", json=TECHSOLUTIONS.configuration)
    merchant = {"id": a_shop.id, "api_key": a_shop.backend.key}
    (tmp_path / ".portal").mkdir()
    (tmp_path / ".portal" / "state.json").write_text(
        json.dumps({"urls": a_shop.stack.urls, "merchants": {"techsolutions": merchant}})
    )
    (tmp_path / LOGO.parent).mkdir(parents=True)
    shutil.copy(ROOT / LOGO, tmp_path / LOGO)
    return tmp_path


async def run(folder: Path, printed: list[Step]) -> list[str]:
    """The output of each block. All blocks run in one shell, which stops at the first command that fails."""
    outputs = [folder / f"output-{number}" for number in range(len(printed))]
    blocks = [f"{{\n{step.script}}} > {output}" for step, output in zip(printed, outputs, strict=True)]
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", "\n".join(blocks)),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    bash_output, _ = await process.communicate()
    if process.returncode:
        last = [output for output in outputs if output.exists()][-1]
        step = printed[outputs.index(last)]
        pytest.fail(f"line {step.line} of the page ends with {process.returncode}: {bash_output.decode()}{last.read_text()}")
    return [output.read_text() for output in outputs]


async def test_each_example_runs_and_answers_as_printed(a_shop: Shop, folder: Path) -> None:
    printed = steps()
    outputs = await run(folder, printed)
    documents: dict[str, Any] = {}
    for step, output in zip(printed, outputs, strict=True):
        where = f"line {step.line} of the page"
        if step.printed is None:
            assert output == "", f"{where}: an answer that is not printed: {output}"
            continue
        answer = json.loads(output)
        assert difference(step.printed, answer) is None, f"{where}: {difference(step.printed, answer)} in {output}"
        for call in step.calls if step.succeeds else ():
            if call.service not in documents:
                documents[call.service] = closed(await a_shop.stack.description(call.service))
            document = documents[call.service]
            template = next(it for it in document["paths"] if call.is_of(call.service, call.method, it))
            assert faults(document, call.method, template, answer) == [], where
