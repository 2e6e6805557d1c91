"""All checks in the order in which an operator would make them. A check that fails does not stop the others."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from chassis.kafka_access import KafkaAccess
from portalctl.doctor import brokers, files
from portalctl.doctor.databases import ExaminedDatabase
from portalctl.doctor.findings import CheckResult, failed, ok, warning
from portalctl.local.databases import connect
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder

_SECONDS = 15.0
"""For each check."""


async def examine(
    folder: Folder, state: Mapping[str, Any], databases: Mapping[str, str], kafka: KafkaAccess
) -> list[CheckResult]:
    """`state` is that of the local stack, or empty."""
    own = "postgres" in state.get("logs", {}) and dict(databases) == state.get("postgres", {})
    findings: list[CheckResult] = []
    async with AsyncExitStack() as closing:
        connections: dict[str, asyncpg.Connection] = {}
        for name, url in databases.items():
            service = name.replace("_", "-")
            try:
                async with asyncio.timeout(_SECONDS):
                    connections[name] = await connect(url, own=own, timeout=_SECONDS)
                    closing.push_async_callback(connections[name].close)
                    findings += await ExaminedDatabase(name, connections[name]).checks()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as error:
                findings.append(_unreachable(f"database {service}", name, error, name in connections))
        findings += await _kafka(kafka, connections)
    findings += await _services(state.get("admin_urls", {}))
    stack = folder.secrets if folder.secrets.exists() else None
    findings += files.check_secrets(os.environ, databases, stack)
    findings += files.check_certificates(os.environ, databases)
    return [*findings, files.check_disk(folder.root if state else None)]


async def _kafka(kafka: KafkaAccess, connections: Mapping[str, asyncpg.Connection]) -> list[CheckResult]:
    findings: list[CheckResult] = []
    try:
        async with asyncio.timeout(2 * _SECONDS):
            findings += await brokers.check_topics(kafka)
            if any(each.check == "topics" and each.status == "failed" for each in findings):
                return findings
            findings += await brokers.check_consumers(kafka, connections)
    except StackError as error:
        findings += brokers.unreachable(error)
    except (KafkaError, OSError, TimeoutError) as error:
        findings += brokers.unreachable(StackError(f"{kafka.servers}: {type(error).__name__}: {error}"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        findings.append(failed("consumers", f"{type(error).__name__}: {error}", "see the checks of the databases"))
    return findings


async def _services(urls: Mapping[str, str]) -> list[CheckResult]:
    """The readiness of the local stack's services. Elsewhere probes watch it."""
    findings = []
    async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS) as client:
        for name, url in urls.items():
            check = f"service {name}"
            try:
                answer = (await client.get(f"{url}/health/ready")).json()
            except (httpx.HTTPError, ValueError) as error:
                findings.append(
                    failed(check, f"does not answer at {url}: {type(error).__name__}", "portalctl status; portalctl up")
                )
                continue
            problems = {**answer.get("failures", {}), **answer.get("degraded", {})}
            what = "; ".join(f"{one} {problem}" for one, problem in problems.items())
            if answer.get("status") == "ready":
                findings.append(ok(check, "is ready"))
            else:
                kind = failed if answer.get("failures") else warning
                findings.append(kind(check, f"is {answer.get('status')}: {what}", f"read its log, and {url}/health/ready"))
    return findings


def _unreachable(check: str, name: str, error: Exception, connected: bool) -> CheckResult:
    variable = f"{name.upper()}_DATABASE_URL"
    reason = str(error) or type(error).__name__
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return failed(check, f"refuses the credentials: {reason}", f"correct the role and password in {variable}")
        case asyncpg.InvalidCatalogNameError():
            return failed(check, reason, f"create it with `portalctl env --sql`, or correct {variable}")
        case asyncpg.InsufficientPrivilegeError():
            return failed(check, reason, f"{variable} needs a role that may read every table")
        case asyncpg.PostgresError() if connected:
            return failed(check, f"{type(error).__name__}: {reason}", "see the message")
        case TimeoutError():
            return failed(check, f"no answer within {_SECONDS:.0f} s", "check the server's load, the network and firewalls")
        case _:
            return failed(check, f"cannot be reached: {reason}", f"check {variable}, the server and its certificates")
