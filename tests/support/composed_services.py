"""The four composed services without servers behind them, for tests of their API documents."""

import asyncio
import importlib
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from fastapi import FastAPI

from chassis.http.service_tokens import Signer
from chassis.runtime.health import Health
from chassis.service.live_settings import LiveSettings
from chassis.service.service import Resources
from chassis.service.settings import ServiceSettings
from chassis.tenants import Tenants
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, layout_for_start
from portalctl.local.services import SERVICES, Service

NAMES = tuple(kind.name for kind in SERVICES)


@cache
def apps() -> dict[str, FastAPI]:
    """Applications by service name."""
    with TemporaryDirectory() as name:
        folder = Folder(Path(name) / ".portal")
        folder.make()
        return {service.name: _app(service) for service in layout_for_start(folder, SERVICES, ExternalServers()).services}


def description(service: str) -> dict[str, Any]:
    return apps()[service].openapi()


def _app(service: Service) -> FastAPI:
    compose = importlib.import_module(f"{service.package}.composition").compose
    variables = {name.lower(): value for name, value in service.environment.items()}
    settings = _settings(service.package).model_validate(variables)
    nothing: Any = None
    signer = Signer(service.name, settings.service_private_key.get_secret_value())
    live = LiveSettings(settings)
    resources = Resources(
        live, nothing, nothing, Tenants(nothing, None), signer, nothing, nothing, Health(), asyncio.Event(), AsyncExitStack()
    )
    return cast(FastAPI, compose(resources).app)


def _settings(package: str) -> type[ServiceSettings]:
    members = vars(importlib.import_module(f"{package}.settings")).values()
    return next(
        it for it in members if isinstance(it, type) and issubclass(it, ServiceSettings) and it.__module__.startswith(package)
    )
