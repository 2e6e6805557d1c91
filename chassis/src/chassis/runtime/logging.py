"""Logs: one JSON object a line, with the trace, the request and what it is about, and without what must not be written down."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from chassis.card_numbers.detection import redact_cards
from chassis.runtime.library_logs import LibraryLogs
from chassis.scope import SCOPE

SECRET_NAMES = re.compile(r"authorization|cookie|secret|token|password|pepper|api_key|private|cvc|cvv|card_number|^number$", re.I)
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SECRET_TEXT = re.compile(
    rf"\b(sk_(?:test|live)_)[\w-]+|(/enter\S*?(?:#|%(?:25)*23))\S+|({_ID}(?:\.|%(?:25)*2[Ee]))[\w-]{{20,}}"
    r"|(postgresql://[^:/@\s]+:)[^@\s]+(?=@)"
)
"""Keys of merchants, links and their tokens in any encoding, passwords in URLs: what leads a secret is a group and stays."""
_SHORTEST_TOKEN = 57
"""Characters of what SECRET_TEXT takes for a token."""


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replaces what is named like a secret or looks like one: keys, links, passwords in URLs, card numbers."""
    return {name: "[redacted]" if SECRET_NAMES.search(name) else _clean(value) for name, value in event.items()}


def redact_secrets(text: str) -> str:
    if len(text) < _SHORTEST_TOKEN and "sk_" not in text and "/enter" not in text and "://" not in text:
        return text  # nearly all that is logged
    return SECRET_TEXT.sub(lambda found: f"{next(filter(None, found.groups()))}[redacted]", text)


def _clean(value: Any) -> Any:
    match value:
        case str():
            return redact_cards(redact_secrets(value))
        case dict():
            return redact(None, "", value)
        case list() | tuple():
            return [_clean(item) for item in value]
        case bytes() | BaseException():
            return _clean(repr(value))
        case _:
            return value


def add_trace(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = f"{span.trace_id:032x}"
        event["span_id"] = f"{span.span_id:016x}"
    return event


def add_scope(_: WrappedLogger, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The request, the merchant and the aggregate that the code at hand works for; what a line says itself counts more."""
    if (scope := SCOPE.get()) is not None:
        if scope.request_id is not None:
            event.setdefault("request_id", scope.request_id)
        if scope.merchant is not None:
            event.setdefault("merchant", str(scope.merchant))
        if scope.aggregate is not None:
            event.setdefault("aggregate", scope.aggregate)
    return event


def configure(service: str, level: str, form: str) -> None:
    """Sends structlog's and the standard library's logs to standard error in the same shape."""
    exceptions = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer(show_locals=False))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
        add_scope,
        exceptions if form == "json" else structlog.processors.format_exc_info,
        redact,
    ]
    render: Processor = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, render]))
    handler.addFilter(LibraryLogs())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiokafka", "httpx", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each malformed form
    structlog.contextvars.bind_contextvars(service=service)
