"""The spans of a test's process, which can have only one provider."""

from functools import cache

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.runtime.telemetry import SecretRedactor


def new_exporter() -> InMemorySpanExporter:
    """Exports all later spans of this process until its `shutdown`."""
    exporter = InMemorySpanExporter()
    _provider().add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@cache
def _provider() -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SecretRedactor())
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider
    return provider
