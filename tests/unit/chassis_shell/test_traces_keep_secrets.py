"""Traces contain no tokens of links."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chassis.runtime.telemetry import SecretRedactor

TOKEN = "0190a000-0000-7000-8000-00000000000f.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd-_8"


def test_a_token_in_a_path_or_a_query_is_redacted() -> None:
    sent, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SecretRedactor())
    provider.add_span_processor(SimpleSpanProcessor(sent))
    for address in ({"url.path": f"/enter#{TOKEN}"}, {"url.path": "/x", "url.query": f"url=https%3A%2F%2Fp%2Fenter%23{TOKEN}"}):
        provider.get_tracer("test").start_span("GET", attributes=address).end()
    spans = [dict(span.attributes or {}) for span in sent.get_finished_spans()]
    assert TOKEN.partition(".")[2] not in str(spans)
    assert spans[0]["url.path"] == "/enter#[redacted]"
    assert spans[1]["url.path"] == "/x"
