"""The stand-in over HTTP, in the test's own event loop, with faults on request.

Every request and every answer is checked against Stripe's OpenAPI document; `problems` has what does not agree.
"""

import asyncio
import copy
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from support.stripe.checks import Values, answer_problems, nested, request_problems
from support.stripe.standin import Account, Refusal, invalid

FaultKind: TypeAlias = Literal["hang", "lost", "500 done", "500 not done", "429", "409", "reset", "not JSON", "slow"]
KINDS: tuple[FaultKind, ...] = ("hang", "lost", "500 done", "500 not done", "429", "409", "reset", "not JSON", "slow")
OPERATIONS = {
    "customer": r"POST /v1/customers",
    "set-up": r"POST /v1/setup_intents",
    "create": r"POST /v1/payment_intents",
    "confirm": r"POST /v1/payment_intents/\w+/confirm",
    "read": r"GET /v1/payment_intents/pi_\w+",
    "search": r"GET /v1/payment_intents/search",
    "list": r"GET /v1/(payment_intents|refunds)",
    "cancel": r"POST /v1/payment_intents/\w+/cancel",
    "refund": r"POST /v1/refunds",
    "read refund": r"GET /v1/refunds/\w+",
    "disputes": r"GET /v1/disputes",
    "name customer": r"POST /v1/customers/\w+",
    "read card": r"GET /v1/payment_methods/\w+",
}
_OOPS: Values = {"error": {"type": "api_error", "message": "An error occurred on our side."}}


@dataclass
class Fault:
    kind: FaultKind
    operation: str
    """One of OPERATIONS."""
    times: int = 1
    happened: int = 0


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    text: str
    """The query of a GET, otherwise the form."""

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


Witness: TypeAlias = Callable[[Request], Awaitable[str | None]]
"""Another validator of requests. Returns what it refuses."""


@dataclass
class StripeServer:
    accounts: dict[str, Account] = field(default_factory=dict)
    """By key."""
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    errors_name_the_intent: bool = True
    """Whether error objects contain the payment intent."""
    witness: Witness | None = None
    url: str = ""
    hanging: int = 0
    """Requests that get no answer before their client leaves."""

    def account(self, mode: str = "test") -> Account:
        account = Account(mode)
        self.accounts[account.key] = account
        return account

    def fault(self, kind: FaultKind, operation: str, times: int = 1) -> Fault:
        fault = Fault(kind, operation, times)
        self.faults.append(fault)
        return fault

    def count(self, operation: str) -> int:
        """How many requests there were."""
        return sum(1 for each in self.requests if re.fullmatch(OPERATIONS[operation], each.line))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                if not await self._answer(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can be used for another request."""
        self.requests.append(request)
        if self.witness and (refused := await self.witness(request)):
            self.problems.append(f"{request.line}: {refused}")
        self.problems += [
            f"{request.line}: {problem}"
            for problem in request_problems(request.method, request.path, request.headers, request.text)
        ]
        match kind := self._due_fault(request.line):
            case "429" | "409":
                code = "rate_limit" if kind == "429" else "lock_timeout"
                await _write(writer, int(kind), {"error": {"type": "invalid_request_error", "code": code, "message": "Later."}})
                return True
            case "hang":
                await self._until_left(reader)
                return False
            case "slow":
                await self._until_left(reader)
                self._perform(request)
                return False
            case "500 done" | "500 not done":
                await _write(writer, *self._perform(request, fails=kind))
                return True
        status, body = self._perform(request)
        match kind:
            case "lost":
                await self._until_left(reader)
                return False
            case "reset":
                whole = json.dumps(body).encode()
                writer.write(_head(status, len(whole)) + whole[: len(whole) // 2])
                await writer.drain()
                return False
            case "not JSON":
                writer.write(_head(502, 19, "text/html") + b"<h1>Bad Gateway</h1"[:19])
                await writer.drain()
                return True
        await _write(writer, status, body)
        return True

    def _due_fault(self, line: str) -> FaultKind | None:
        for each in self.faults:
            if each.happened < each.times and re.fullmatch(OPERATIONS[each.operation], line):
                each.happened += 1
                return each.kind
        return None

    async def _until_left(self, reader: asyncio.StreamReader) -> None:
        self.hanging += 1
        await reader.read()

    def _perform(self, request: Request, fails: Literal["500 done", "500 not done"] | None = None) -> tuple[int, Values]:
        """Carry out the request once per idempotency key. A failure is remembered like a success."""
        account = self.accounts.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if account is None or account.key_status != 200:
            status = account.key_status if account else 401
            return status, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided."}}
        if request.path.split("/")[2] in account.lacks:
            message = "The provided key does not have the required permissions for this endpoint."
            return 403, {"error": {"type": "invalid_request_error", "message": message}}
        key, fingerprint = request.headers.get("idempotency-key"), f"{request.line}?{request.text}"
        if key in account.remembered:
            before, status, body = account.remembered[key]
            if before == fingerprint:
                return status, body
            return 400, {"error": {"type": "idempotency_error", "message": "The key was used with other parameters."}}
        status, body = (500, _OOPS) if fails == "500 not done" else self._result(account, request)
        if fails == "500 done":
            status, body = 500, _OOPS
        # A request that fails the validation is not remembered.
        if key and account.remembers and status not in (400, 404):
            account.remembered[key] = (fingerprint, status, body)
        return status, body

    def _result(self, account: Account, request: Request) -> tuple[int, Values]:
        try:
            status, body = 200, copy.deepcopy(_dispatch(account, request))
        except Refusal as refusal:
            error = {k: v for k, v in refusal.error.items() if k != "payment_intent" or self.errors_name_the_intent}
            status, body = refusal.status, {"error": error}
        self.problems += [
            f"{request.line}: answer {each}" for each in answer_problems(request.method, request.path, status, body)
        ]
        return status, body


@asynccontextmanager
async def stripe_server() -> AsyncIterator[StripeServer]:
    served = StripeServer()
    server = await asyncio.start_server(served.handle, "127.0.0.1", 0)
    served.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()


def _dispatch(account: Account, request: Request) -> Values:
    values = nested(request.text)
    parts = re.fullmatch(r"/v1/(\w+)(?:/(\w+))?(?:/(\w+))?", request.path)
    match (request.method, *(parts.groups() if parts else ())):
        case ("POST", "customers", None, None):
            return account.create_customer(values)
        case ("GET", "customers", "search", None):
            return account.search_customers(request.path, values)
        case ("POST", "customers", str(id), None):
            return account.update_customer(id, values)
        case ("GET", "payment_methods", None, None):
            return account.methods_of(request.path, values)
        case ("POST", "setup_intents", None, None):
            return account.create_setup_intent(values)
        case ("GET", "setup_intents", str(id), None):
            return account.read_setup_intent(id, values)
        case ("GET", "payment_methods", str(id), None):
            return account.get("payment_method", id, "payment_method")
        case ("POST", "payment_methods", str(id), "attach"):
            return account.attach(id, values)
        case ("POST", "payment_methods", str(id), "detach"):
            return account.detach(id, values)
        case ("POST", "payment_intents", None, None):
            return account.create_payment_intent(values)
        case ("GET", "payment_intents", None, None):
            return account.page(request.path, "payment_intent", values, lambda each: _created(each, values))
        case ("GET", "payment_intents", "search", None):
            return account.search_payment_intents(request.path, values["query"])
        case ("GET", "payment_intents", str(id), None):
            return account.get("payment_intent", id, "intent")
        case ("POST", "payment_intents", str(id), "confirm"):
            return account.confirm(id, values)
        case ("POST", "payment_intents", str(id), "cancel"):
            return account.cancel(id, values)
        case ("POST", "refunds", None, None):
            return account.create_refund(values)
        case ("GET", "refunds", None, None):
            intent = values.get("payment_intent")
            if intent is not None:
                account.get("payment_intent", intent, "payment_intent")
            return account.page(
                request.path,
                "refund",
                values,
                lambda each: intent in (None, each["payment_intent"]) and _created(each, values),
            )
        case ("GET", "refunds", str(id), None):
            return account.get("refund", id)
        case ("GET", "disputes", None, None):
            intent_id = values.get("payment_intent")
            return account.page(request.path, "dispute", values, lambda each: intent_id in (None, each["payment_intent"]))
        case ("GET", "events", None, None):
            types = values.get("types", ())
            return account.page(
                request.path, "event", values, lambda each: (not types or each["type"] in types) and _created(each, values)
            )
        case ("GET", "events", str(id), None):
            return account.get("event", id)
        case _:
            raise invalid(message=f"Unrecognized request URL ({request.line}).", status=404)


def _created(of: Values, values: Values) -> bool:
    limits = values.get("created", {})
    created = int(of["created"])
    return int(limits.get("gte", 0)) <= created <= int(limits.get("lte", created))


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None after the last."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    url = urlsplit(target)
    return Request(method, url.path, headers, url.query if method == "GET" else body.decode())


async def _write(writer: asyncio.StreamWriter, status: int, body: Values) -> None:
    whole = json.dumps(body).encode()
    writer.write(_head(status, len(whole)) + whole)
    await writer.drain()


def _head(status: int, length: int, type: str = "application/json") -> bytes:
    lines = (
        f"HTTP/1.1 {status} -",
        f"content-type: {type}",
        f"content-length: {length}",
        f"request-id: req_{secrets.token_hex(7)}",
    )
    return "\r\n".join((*lines, "", "")).encode()
