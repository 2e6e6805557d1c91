"""Tracing of a request through HTTP, events and consumers, and the HTTP metrics."""

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
_TRACE_FIELDS: Final = frozenset(name.encode() for name in propagate.get_global_textmap().fields)
"""The header fields that carry a trace."""


def configure(service: str, otlp_endpoint: str | None) -> None:
    """Configure tracing for this process, and export spans to the OTLP endpoint, if any.

    Without an endpoint nothing is recorded; trace ids are still propagated, see `continued`.
    """
    provider = TracerProvider(None if otlp_endpoint else ALWAYS_OFF, Resource.create({"service.name": service}))
    if otlp_endpoint:
        # Imported here because it loads an HTTP client, which a process without an endpoint does not need.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(SecretRedactor())
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{otlp_endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


class SecretRedactor(SpanProcessor):
    """Redacts the URL that FastAPI records of each request: a mail program may have put a link's token into it."""

    def on_start(self, span: Span, parent_context: TraceContext | None = None) -> None:
        for name in ("url.path", "url.query"):
            value = (span.attributes or {}).get(name)
            if isinstance(value, str):
                span.set_attribute(name, redact_secrets(value))


def exports() -> bool:
    """Whether spans of this process are recorded and exported."""
    provider = trace.get_tracer_provider()
    return isinstance(provider, TracerProvider) and provider.sampler is not ALWAYS_OFF


@contextmanager
def continued(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
    """Continue the caller's trace for a request without a recorded span, with a new span id; without a caller, in a new trace.

    An OpenTelemetry tracer that never samples does the same at ten times the cost (60 µs).
    """
    carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACE_FIELDS}
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
    """Name the current span after the request's route, if it is recorded."""
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)


def outgoing() -> dict[str, str]:
    """The W3C headers (`traceparent`) of the current span, for a request or record; empty without a span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def incoming(headers: Mapping[str, str]) -> TraceContext:
    """The trace context in the headers of a request or record."""
    return propagate.extract(headers)


def span(name: str, parent: TraceContext | None = None) -> AbstractContextManager[trace.Span]:
    """A span around a block, as a child of `parent` or of the current span."""
    return _tracer.start_as_current_span(name, context=parent)
