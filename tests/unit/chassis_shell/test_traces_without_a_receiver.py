"""A process that sends its spans nowhere records none, and still passes on the trace of whoever asked."""

import subprocess
import sys

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROGRAM = f"""
from chassis import telemetry
telemetry.configure("lamps", None)
with telemetry.span("click", telemetry.incoming({{"traceparent": "00-{TRACE}-b7ad6b7169203331-01"}})) as span:
    print(span.is_recording(), telemetry.outgoing()["traceparent"])
"""


def test_the_trace_is_passed_on_and_nothing_is_recorded() -> None:
    # in a process of its own: a provider is set once and for all
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60).stdout
    recording, traceparent = said.split()
    assert recording == "False"
    assert traceparent.split("-")[1] == TRACE
