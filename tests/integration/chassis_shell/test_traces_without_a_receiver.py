"""A process without an exporter records no spans, and passes on the trace of its caller."""

import json
import re
import subprocess
import sys

import pytest

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CALLED = f"00-{TRACE}-{CALLER}-01"
PROGRAM = f"""
from chassis.runtime import telemetry
telemetry.configure("lamps", None)
with telemetry.span("click", telemetry.incoming({{"traceparent": "{CALLED}"}})) as span:
    print(span.is_recording(), telemetry.outgoing()["traceparent"])
"""
SERVICE = """
import asyncio, json, sys
from httpx import ASGITransport, AsyncClient
from opentelemetry import trace
from chassis.runtime import logging, telemetry
telemetry.configure("lamps", sys.argv[1] or None)
from chassis.http.app import create_app
from chassis.http.admin import admin_app
from chassis.runtime.health import Health

async def logged():
    return {"logged": logging.add_trace(None, "info", {}), "sent": telemetry.outgoing(),
            "recording": trace.get_current_span().is_recording(), "name": getattr(trace.get_current_span(), "name", None)}

async def main():
    app = create_app("lamps", service="lamps")
    app.add_api_route("/logged/{id}", logged)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://lamps") as client:
        print(json.dumps([(await client.get("/logged/7", headers=headers)).json() for headers in json.loads(sys.argv[2])]))
    assert not trace.get_current_span().get_span_context().is_valid

asyncio.run(main())
"""


TRACED = {"traceparent": CALLED, "tracestate": "vendor=1", "baggage": "tenant=7"}
OUTSIDE: list[dict[str, str]] = [{}, {"traceparent": "nonsense"}, {"traceparent": f"00-{'0' * 32}-{CALLER}-01"}]


def call(*headers: dict[str, str], endpoint: str = "") -> list[dict[str, object]]:
    """The trace as a service's route sees it. Runs in a separate process, because a provider can be set only once."""
    command = [sys.executable, "-c", SERVICE, endpoint, json.dumps(headers)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return list(json.loads(output))


@pytest.fixture(scope="module")
def seen() -> list[dict[str, object]]:
    """One process for all requests: the traced one, and two of each that is outside of any trace."""
    return call(TRACED, *(headers for headers in OUTSIDE for _ in range(2)))


def test_the_trace_is_passed_on_and_nothing_is_recorded() -> None:
    output = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60).stdout
    recording, traceparent = output.split()
    assert recording == "False"
    assert traceparent.split("-")[1] == TRACE


def test_a_request_is_in_the_trace_of_its_caller_with_a_span_id_of_its_own(seen: list[dict[str, object]]) -> None:
    traced = seen[0]
    assert (traced["recording"], traced["name"]) == (False, None)
    logged, sent = traced["logged"], traced["sent"]
    assert isinstance(logged, dict)
    assert isinstance(sent, dict)
    assert logged["trace_id"] == TRACE
    assert logged["span_id"] != CALLER
    assert sent == {"traceparent": f"00-{TRACE}-{logged['span_id']}-00", "tracestate": "vendor=1", "baggage": "tenant=7"}


@pytest.mark.parametrize("place", range(len(OUTSIDE)))
def test_a_request_outside_of_any_trace_begins_one(seen: list[dict[str, object]], place: int) -> None:
    two = seen[1 + 2 * place : 3 + 2 * place]
    ids = [it["logged"]["trace_id"] for it in two if isinstance(it["logged"], dict)]
    assert len(set(ids)) == 2
    assert all(re.fullmatch("(?!0{32})[0-9a-f]{32}", id) for id in ids)
    assert all(id in str(it["sent"]) for id, it in zip(ids, two, strict=True))


def test_with_an_exporter_a_request_is_recorded_under_its_route() -> None:
    [traced] = call({"traceparent": CALLED}, endpoint="http://127.0.0.1:9")
    assert (traced["recording"], traced["name"]) == (True, "GET /logged/{id}")
    assert TRACE in str(traced["logged"])
