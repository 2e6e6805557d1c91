"""The services' OpenAPI documents as they are committed: what each service serves, with the examples of docs/http-apis.md.

make contracts
"""

import copy
import json
import sys
from pathlib import Path
from typing import Any

from support.composed_services import NAMES, description
from support.http_examples import bodies

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "contracts" / "openapi"
Json = dict[str, Any]


def path_of(service: str) -> Path:
    return FOLDER / f"{service}.json"


def document(service: str) -> Json:
    """The description with one example for each request body and answer that the page prints."""
    described = copy.deepcopy(description(service))
    for step, sent in bodies():
        for call in step.calls:
            for template, methods in described["paths"].items():
                for method, operation in methods.items():
                    if call.is_of(service, method.upper(), template):
                        _add(operation, sent, step.printed if step.succeeds else None)
    return described


def text_of(service: str) -> str:
    return json.dumps(document(service), indent=2, ensure_ascii=False) + "\n"


def stale(service: str) -> str | None:
    """What to do about a committed document that is not the generated one."""
    path = path_of(service)
    if path.exists() and path.read_text() == text_of(service):
        return None
    return f"{path.relative_to(ROOT)} is not what the code generates: run `make contracts` and commit what it writes."


def _add(operation: Json, sent: Any, answered: Any) -> None:
    """`answered`: None if the printed answer is an error. Its request is the example of a call without a success on the page."""
    if sent is not None:
        content = operation["requestBody"]["content"]["application/json"]
        content["example"] = sent if answered is not None else content.get("example", sent)
    if answered is None:
        return
    success = next(status for status in operation["responses"] if status.startswith("2"))
    operation["responses"][success]["content"]["application/json"]["example"] = answered


def main() -> None:
    """Writes what differs, and names it."""
    FOLDER.mkdir(exist_ok=True)
    for service in NAMES:
        if stale(service):
            path_of(service).write_text(text_of(service))
            sys.stdout.write(f"{path_of(service).relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
