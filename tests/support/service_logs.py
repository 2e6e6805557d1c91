"""The logs of this process in the form of a service's."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog

from chassis.runtime.logging import configure

_LIBRARIES = ("aiokafka", "httpx", "stripe", "uvicorn.access", "uvicorn.error", "python_multipart")


@contextmanager
def service_logs(service: str, level: str) -> Iterator[StringIO]:
    """What is logged meanwhile, as the service would write it. The former configuration holds again afterwards: loggers are not
    cached, because a cached one would keep this one in later tests of the process."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, root_level, written = root.handlers, root.level, StringIO()
    levels = {name: logging.getLogger(name).level for name in _LIBRARIES}
    configure(service, level, "json")
    structlog.configure(cache_logger_on_first_use=False)
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    try:
        yield written
    finally:
        structlog.configure(**before)
        structlog.contextvars.unbind_contextvars("service")
        root.handlers, root.level = handlers, root_level
        for name, former in levels.items():
            logging.getLogger(name).setLevel(former)
