"""docs/http-apis.md is complete: an example for each call and code, and the callers of calls that merchants may not make."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from support.api_documents import document
from support.closed_schemas import closed, faults
from support.composed_services import NAMES, description
from support.http_examples import PAGE, bodies, difference, steps

Json = dict[str, Any]
WITHOUT_A_KEY = {
    *(("PATCH", "/v1/merchants/{id}"), ("POST", "/v1/test-clock/advance")),
    *(("PUT", "/v1/payment-provider"), ("DELETE", "/v1/payment-provider")),
}
"""Commands that are idempotent without a key."""


def operations(service: str) -> Iterator[tuple[str, str, Json, set[str]]]:
    """Method, path, description and credentials."""
    for path, methods in description(service)["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation, {name for each in operation["security"] for name in each}


def of_merchants(service: str) -> Iterator[tuple[str, str, Json]]:
    for method, path, operation, callers in operations(service):
        if "merchant" in callers:
            yield method, path, operation


@pytest.mark.parametrize("service", NAMES)
def test_each_call_of_a_merchant_has_an_example(service: str) -> None:
    calls = [call for step in steps() for call in step.calls]
    called = {(method, path) for method, path, _ in of_merchants(service) if any(it.is_of(service, method, path) for it in calls)}
    assert {(method, path) for method, path, _ in of_merchants(service)} == called


def test_each_example_is_of_an_operation() -> None:
    for step in steps():
        for call in step.calls:
            assert any(call.is_of(call.service, method, path) for method, path, _ in of_merchants(call.service)), step.line


def test_each_printed_response_matches_its_schema() -> None:
    for step, _ in bodies():
        for call in step.calls if step.succeeds else ():
            described = closed(description(call.service))
            template = next(it for it in described["paths"] if call.is_of(call.service, call.method, it))
            assert faults(described, call.method, template, step.printed) == [], step.line


@pytest.mark.parametrize("service", NAMES)
def test_each_json_response_and_body_of_a_merchants_call_has_an_example(service: str) -> None:
    described = document(service)
    for method, path, _ in of_merchants(service):
        operation = described["paths"][path][method.lower()]
        contents = [operation["responses"][min(operation["responses"])].get("content", {})]
        contents += [operation["requestBody"]["content"]] if "requestBody" in operation else []
        for content in contents:
            assert "example" in content.get("application/json", {"example": None}), (method, path)


def test_each_code_of_a_merchants_call_is_explained_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| (`.+?`) \|", PAGE.read_text(), re.MULTILINE)
    explained = {(status, code) for status, codes in rows for code in re.findall("`([a-z_]+)`", codes)}
    answered = set()
    for service in NAMES:
        for _, _, operation in of_merchants(service):
            for status, response in operation["responses"].items():
                for part in (
                    response.get("content", {}).get("application/problem+json", {"schema": {}})["schema"].get("allOf", ())
                ):
                    answered |= {(status, code) for code in part.get("properties", {}).get("code", {}).get("enum", ())}
    assert answered == explained


@pytest.mark.parametrize("service", NAMES)
def test_each_change_takes_an_idempotency_key_except_those_that_are_named(service: str) -> None:
    without = {
        (method, path)
        for method, path, operation in of_merchants(service)
        if method != "GET" and not any(it["name"] == "Idempotency-Key" for it in operation.get("parameters", ()))
    }
    assert without == {each for each in WITHOUT_A_KEY if each in without}
    for method, path in without:
        assert f"`{method} {path}`" in PAGE.read_text().partition("## Idempotency keys")[2].partition("\n## ")[0]


def test_the_table_names_each_call_of_operators_and_services_and_who_may_make_it() -> None:
    rows = re.findall(r"^\| ([a-z-]+) \| `([A-Z]+) (\S+)` \| ([a-z, ]+) \|$", PAGE.read_text(), re.MULTILINE)
    others = {
        (service, method, path, ", ".join(sorted(callers)))
        for service in NAMES
        for method, path, _, callers in operations(service)
        if callers & {"operator", "service", "customer"}
    }
    assert set(rows) == others


PRINTED: Json = {"id": "a1", "status": "open", "paid_at": None, "total": {"amount_minor": 2999}, "items": [{"more": False}]}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"id": "b2"}, None),
        ({"items": [{"more": False}, {"more": False}]}, None),
        ({"status": "paid"}, "/status: 'paid' where 'open' is printed"),
        ({"paid_at": "2024-01-10"}, "/paid_at: '2024-01-10' where None is printed"),
        ({"id": 7}, "/id: 7 where 'a1' is printed"),
        ({"total": {"amount_minor": 2998}}, "/total/amount_minor: 2998 where 2999 is printed"),
        ({"items": []}, "/items: empty only on one side"),
        ({"items": [{"more": False}, {"more": True}]}, "/items/1/more: True where False is printed"),
        ({"note": "x"}, ": ['note'] only on one side"),
    ],
)
def test_responses_are_compared_by_keys_types_codes_and_amounts(changed: Json, sentence: str | None) -> None:
    assert difference(PRINTED, PRINTED | changed) == sentence


def test_an_undocumented_field_is_an_error() -> None:
    described, answer = closed(description("subscriptions")), {"media_id": "a", "width": 1, "height": 1}
    assert faults(described, "POST", "/v1/media", answer) == []
    assert faults(described, "POST", "/v1/media", answer | {"depth": 1}) == [
        "POST /v1/media $: Additional properties are not allowed ('depth' was unexpected)"
    ]
