"""An application's OpenAPI document: FastAPI's document, with all responses and credentials of each route.

Docstrings are its texts. The first paragraph of a route's docstring is the operation's summary, the others its description.
The docstring below a model's field describes the field.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from chassis.http.problems import CHANGES_NOTHING, MEDIA_TYPE
from chassis.http.schemas import PROBLEM, schema_of, texts_of

F = TypeVar("F", bound=Callable[..., Any])
Refusal = tuple[int, str]
"""Status and code."""
Security = tuple[Mapping[str, Collection[str]], ...]
"""Alternatives. Each one names the schemes that are required together."""

SIGNED: Final = frozenset({"customer", "service"})
"""Credentials that another service signs. They are valid only for the routes in the table of peers."""
_COMMON_REFUSALS: Final = {(400, "malformed_request"), (400, "duplicate_header"), (503, "service_unavailable")}
_BODY_REFUSALS: Final = {(413, "body_too_large"), (415, "unsupported_content_encoding")}
_JSON_REFUSALS: Final = {(400, "malformed_json"), (415, "unsupported_media_type"), (422, "invalid_request")}
_CHANGE_REFUSALS: Final = {(409, "under_review"), (503, "too_busy"), (504, "outcome_unknown")}


@dataclass(frozen=True, slots=True)
class Described:
    """What a route or one of its dependencies adds to the document."""

    model: Any = None
    """Of a JSON response body."""
    media_types: tuple[str, ...] = ()
    """Of a response body that is not JSON."""
    also: tuple[int, ...] = ()
    """More statuses with the same body."""
    body: tuple[str, ...] = ()
    """Media types of a request body that the route reads as raw bytes."""
    security: Security = ()
    refused: tuple[Refusal, ...] = ()


def answers(
    model: Any = None,
    *refused: Refusal,
    media_types: tuple[str, ...] = (),
    also: tuple[int, ...] = (),
    body: tuple[str, ...] = (),
    security: Security = (),
) -> Callable[[F], F]:
    """Document the responses of a route's function or a dependency. It has no other effect."""

    def mark(function: F) -> F:
        function.__described__ = Described(model, media_types, also, body, security, refused)  # type: ignore[attr-defined]
        return function

    return mark


def describe(app: FastAPI, schemes: Mapping[str, Mapping[str, str]]) -> Callable[[], dict[str, Any]]:
    """A function that returns the document, built at its first call. `schemes`: the credentials that routes accept."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, schemes)
        return app.openapi_schema

    return openapi


def _document(app: FastAPI, schemes: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for_peers = {route for routes in app.state.peers.values() for route in routes}
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or set()) if getattr(route, "include_in_schema", False) else ():
            operation = document["paths"][route.path_format][method.lower()]
            _complete(operation, method, route, schemas)
            if (method, route.path_format) not in for_peers:
                operation["security"] = [each for each in operation["security"] if not SIGNED & each.keys()]
    used = {
        name for path in document["paths"].values() for method in path.values() for each in method["security"] for name in each
    }
    components["securitySchemes"] = {name: dict(scheme) for name, scheme in schemes.items() if name in used}
    return document


def _complete(operation: dict[str, Any], method: str, route: RouteContext, schemas: dict[str, Any]) -> None:
    operation.pop("description", None)
    operation |= texts_of(route.endpoint)
    if route.body_field is not None:
        _describe_body(route.body_field.field_info.annotation, schemas)
    marks = [mark for call in _calls(route.dependant) if (mark := getattr(call, "__described__", None))]
    of_route = getattr(route.endpoint, "__described__", Described())
    alternatives = min((mark.security for mark in marks if mark.security), key=len, default=())
    operation["security"] = [{name: list(scopes) for name, scopes in each.items()} for each in alternatives]
    if of_route.body:
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in of_route.body}
        operation["requestBody"] = {"required": True, "content": content}
    refused = {each for mark in marks for each in mark.refused} | _implied_refusals(operation, method)
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    status = next(iter(responses))
    for each in (status, *map(str, of_route.also)):
        response = responses.setdefault(each, {"description": "Successful Response"})
        if of_route.model is not None:
            response["content"] = {"application/json": {"schema": schema_of(of_route.model, schemas)}}
        for kind in of_route.media_types:
            response.setdefault("content", {}).setdefault(kind, {})
    by_status: dict[int, set[str]] = defaultdict(set)
    for number, code in refused:
        by_status[number].add(code)
    responses |= {str(number): _problem(sorted(codes)) for number, codes in sorted(by_status.items())}
    responses["default"] = _problem()


def _describe_body(model: Any, schemas: dict[str, Any]) -> None:
    """Replace FastAPI's schemas of the body and its parts with ones that have field descriptions."""
    described: dict[str, Any] = {}
    schema_of(model, described, "validation")
    if unknown := described.keys() - schemas.keys():
        raise ValueError(f"{sorted(unknown)} are the names of two schemas each")
    schemas |= described


def _implied_refusals(operation: Mapping[str, Any], method: str) -> set[Refusal]:
    """The refusals that follow from the operation's method, parameters and body."""
    names = {(each["in"], each["name"].lower()) for each in operation.get("parameters", ())}
    content = operation.get("requestBody", {}).get("content", {})
    implied = set(_COMMON_REFUSALS)
    implied |= _BODY_REFUSALS if content else set()
    implied |= _JSON_REFUSALS if "application/json" in content else set()
    implied |= {(422, "invalid_request")} if names else set()
    implied |= {(404, "not_found")} if any(location == "path" for location, _ in names) else set()
    implied |= {(422, "invalid_cursor")} if ("query", "cursor") in names else set()
    implied |= {(422, "idempotency_key_reused")} if ("header", "idempotency-key") in names else set()
    return implied | (_CHANGE_REFUSALS if method not in CHANGES_NOTHING else set())


def _problem(codes: Collection[str] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
    if codes:
        schema = {"allOf": [schema, {"type": "object", "properties": {"code": {"enum": list(codes)}}}]}
    return {"description": ", ".join(codes) or "Any other error", "content": {MEDIA_TYPE: {"schema": schema}}}


def _calls(dependant: Dependant) -> Iterator[Any]:
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)
