"""Each service's OpenAPI document names credentials and all problems with their codes."""

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chassis
from support.api_documents import path_of, stale
from support.composed_services import NAMES, apps, description
from support.python_sources import contains, nodes

Json = dict[str, Any]
PUBLIC = {("portal-gateway", "POST", "/api/session")}
"""Exchanges a link for a session."""
NOT_OF_ROUTES = {
    "internal_error": "a fault of ours",
    "method_not_allowed": "no route was found",
    "request_timeout": "the server's",
    "request_header_fields_too_large": "the server's",
    "foreign_origin": "the card page's",
    "card_invalid": "the card page's",
    "webhook_refused": "a provider's webhook's",
    "already_registered": "answered as a reused key",
    "already_published": "a plan's id is made by the service",
    "already_started": "a subscription's id is made by the service",
    "malformed_form": "the page's",
    "already_issued": "invoicing issues invoices automatically",
    "nothing_to_invoice": "invoicing issues invoices automatically",
    "amount_differs": "of events, not of calls",
    "not_paid": "no route gives money back",
    "charge_ended": "no route ends a charge",
    "bad_request": "the page's",
}
"""Codes in the source that no operation returns, and why."""


def operations(service: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in description(service)["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def codes(operation: Json) -> set[tuple[int, str]]:
    pairs = set()
    for status, response in operation["responses"].items():
        if problem := response.get("content", {}).get("application/problem+json"):
            for part in problem["schema"].get("allOf", ()):
                pairs |= {(int(status), code) for code in part.get("properties", {}).get("code", {}).get("enum", ())}
    return pairs


def package_of(service: str) -> Path:
    return Path(str(importlib.import_module(service.replace("-", "_")).__file__)).parent


def written(folder: Path) -> Iterator[tuple[int, str]]:
    """Status and code of each Problem created with literals."""
    for file in folder.rglob("*.py"):
        for node in nodes(file) if contains(file, "Problem(") else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                match node.args[:2]:
                    case [ast.Constant(int() as status), ast.Constant(str() as code)]:
                        yield status, code


@pytest.mark.parametrize("service", NAMES)
def test_the_document_is_valid(service: str) -> None:
    document = description(service)
    schemas = document["components"]["schemas"]
    assert all(re.fullmatch("[A-Za-z0-9._-]+", name) for name in schemas)
    assert {name.rpartition("/")[2] for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document))} <= set(
        schemas
    )


@pytest.mark.parametrize("service", NAMES)
def test_any_other_error_of_any_operation_is_a_problem(service: str) -> None:
    for method, path, operation in operations(service):
        default = operation["responses"]["default"]["content"]
        assert default == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, (method, path)
        kinds = {kind for status, each in operation["responses"].items() if status >= "400" for kind in each["content"]}
        assert kinds == {"application/problem+json"}, (method, path)


@pytest.mark.parametrize("service", NAMES)
def test_every_operation_documents_its_credentials(service: str) -> None:
    schemes = description(service)["components"]["securitySchemes"]
    for method, path, operation in operations(service):
        asked_by = {name for alternative in operation["security"] for name in alternative}
        assert asked_by <= set(schemes)
        assert bool(asked_by) is ((service, method, path) not in PUBLIC), (method, path)
        assert any(status == 401 for status, _ in codes(operation)), (method, path)


@pytest.mark.parametrize("service", NAMES)
def test_every_response_has_a_schema(service: str) -> None:
    for method, path, operation in operations(service):
        for status in ("200", "201", "202"):
            for kind, content in operation["responses"].get(status, {}).get("content", {}).items():
                if kind == "application/json":
                    assert "$ref" in content["schema"], (method, path)


@pytest.mark.parametrize("service", NAMES)
def test_every_code_of_the_service_is_documented(service: str) -> None:
    described = set().union(*(codes(operation) for _, _, operation in operations(service)))
    answered = {*written(package_of(service)), *(row[:2] for row in apps()[service].state.refusals.values())}
    assert {each for each in answered if each[1] not in NOT_OF_ROUTES} <= described


def test_every_code_of_the_chassis_is_documented() -> None:
    general = {each for each in written(Path(str(chassis.__file__)).parent) if each[1] not in NOT_OF_ROUTES}
    assert general <= {each for service in NAMES for _, _, operation in operations(service) for each in codes(operation)}


@pytest.mark.parametrize("service", NAMES)
def test_every_operation_and_parameter_is_described(service: str) -> None:
    findings = []
    for method, path, operation in operations(service):
        if not 0 < len(operation["summary"]) <= 120:
            findings.append(f"{method} {path}: write a first paragraph of one sentence in the docstring of its function")
        for it in operation.get("parameters", ()):
            if not it.get("description"):
                findings.append(f"{method} {path}: give `{it['name']}` a description")
    assert findings == []


@pytest.mark.parametrize("service", NAMES)
def test_every_field_is_described(service: str) -> None:
    findings = [
        f"{name}.{field}: write a docstring below the field"
        for name, schema in description(service)["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert findings == []


@pytest.mark.parametrize("service", NAMES)
def test_the_committed_files_are_current(service: str) -> None:
    if sentence := stale(service):
        pytest.fail(sentence, pytrace=False)


def test_a_stale_document_names_the_command_that_writes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("support.api_documents.text_of", lambda _: "{}")
    assert stale("payments") == (
        "contracts/openapi/payments.json is not what the code generates: run `make contracts` and commit what it writes."
    )
    assert path_of("payments").exists()
