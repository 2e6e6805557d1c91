"""Traces that follow one click through HTTP, events and consumers, and the metrics of HTTP."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from random import getrandbits
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.context import Context as TraceContext
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import Counter, Histogram

from chassis.runtime.logging import redact_secrets

REQUESTS = Counter("http_requests_total", "Requests answered", ["service", "method", "route", "status"])
DURATION = Histogram("http_request_duration_seconds", "Time to the answer's first byte", ["service", "method", "route"])

_tracer = trace.get_tracer("chassis")
_CARRIED: Final = frozenset(name.encode() for name in propagate.get_global_textmap().fields)
"""Header fields that carry a trace."""


def configure(service: str, otlp_endpoint: str | None) -> None:
    """Makes spans of this process its own; sends them to the endpoint when there is one.

    Without one nothing is recorded; ids are passed on all the same, see `continued`.
    """
    provider = TracerProvider(None if otlp_endpoint else ALWAYS_OFF, Resource.create({"service.name": service}))
    if otlp_endpoint:
        # Only here: it brings an HTTP client of its own, which a process that sends no spans would load.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(WithoutSecrets())
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{otlp_endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


class WithoutSecrets(SpanProcessor):
    """Redacts the address that FastAPI notes of each request: a mail program may have put a link's token into it."""

    def on_start(self, span: Span, parent_context: TraceContext | None = None) -> None:
        for name in ("url.path", "url.query"):
            noted = (span.attributes or {}).get(name)
            if isinstance(noted, str):
                span.set_attribute(name, redact_secrets(noted))


def exports() -> bool:
    """Whether spans of this process are recorded and sent."""
    provider = trace.get_tracer_provider()
    return isinstance(provider, TracerProvider) and provider.sampler is not ALWAYS_OFF


@contextmanager
def continued(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
    """Around a request of which no span is recorded: in the caller's trace, or in a new one, with a span id of its own.

    An OpenTelemetry tracer that never samples does the same at ten times the cost (60 µs).
    """
    carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in _CARRIED}
    parent = propagate.extract(carried) if carried else context.Context()
    caller = trace.get_current_span(parent).get_span_context()
    trace_id = caller.trace_id if caller.is_valid else getrandbits(128) or 1
    own = trace.SpanContext(trace_id, getrandbits(64) or 1, is_remote=False, trace_state=caller.trace_state)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(own), parent))
    try:
        yield
    finally:
        context.detach(token)


def name_request(method: str, route: str) -> None:
    """Names the current request's span after its route, where spans are recorded."""
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)


def outgoing() -> dict[str, str]:
    """The W3C headers (`traceparent`) of the current span, for a request or a record; empty outside of any."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def incoming(headers: Mapping[str, str]) -> TraceContext:
    """The span context that a request's or record's headers carry."""
    return propagate.extract(headers)


def span(name: str, parent: TraceContext | None = None) -> AbstractContextManager[trace.Span]:
    """A span around a block, a child of `parent` when given, else of the current one."""
    return _tracer.start_as_current_span(name, context=parent)
