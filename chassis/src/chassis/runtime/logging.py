"""Logging: one JSON object per line with trace, request, merchant and aggregate, and without secrets and card numbers."""

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
    rf"\b([rs]k_(?:test|live)_)[\w-]+|\b(whsec_)[\w+/=-]+|(_secret_)\w+|(/enter\S*?(?:#|%(?:25)*23))\S+|({_ID}(?:\.|%(?:25)*2[Ee]))[\w-]{{20,}}"
    r"|(postgresql://[^:/@\s]+:)[^@\s]+(?=@)"
)
"""API keys, client and webhook secrets, portal links and tokens in any encoding, and passwords in URLs.

The groups before a secret are kept.
"""
_TOKEN_CHARACTERS_MIN = 57
"""Characters of the shortest token that SECRET_TEXT matches."""


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Redact fields with a secret's name, and text that looks like a secret: keys, links, passwords in URLs, card numbers."""
    return {name: "[redacted]" if SECRET_NAMES.search(name) else _clean(value) for name, value in event.items()}


def redact_secrets(text: str) -> str:
    short = len(text) < _TOKEN_CHARACTERS_MIN
    if short and "k_" not in text and "sec" not in text and "/enter" not in text and "://" not in text:
        return text  # most log fields
    return SECRET_TEXT.sub(lambda match: f"{next(filter(None, match.groups()))}[redacted]", text)


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
    """Add the request, merchant and aggregate of the current scope, unless the log call names them."""
    if (scope := SCOPE.get()) is not None:
        if scope.request_id is not None:
            event.setdefault("request_id", scope.request_id)
        if scope.merchant is not None:
            event.setdefault("merchant", str(scope.merchant))
        if scope.aggregate is not None:
            event.setdefault("aggregate", scope.aggregate)
    return event


def configure(service: str, level: str, form: str) -> None:
    """Send the logs of structlog and the standard library to standard error in the same format."""
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
    for noisy in ("aiokafka", "httpx", "stripe", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns about every malformed form
    structlog.contextvars.bind_contextvars(service=service)
