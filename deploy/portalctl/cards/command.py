"""Output of `cards list` and `cards redact`: one line for each row, without the number."""

import asyncio
import base64
import binascii
import os
from collections.abc import Sequence

from chassis.service.settings import read_settings
from portalctl.cards import stores
from portalctl.cards.locations import Treatment
from portalctl.cards.search import Finding
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.keys import Keys
from portalctl.local.state import read_state
from portalctl.settings import Settings
from portalctl.terminal import err, say
from verify.sources import databases_of

_KEY_BYTES = 32
_CHANGED = (Treatment.REWRITTEN, Treatment.REVISED)


def show(folder: Folder) -> list[Finding]:
    """Print and return the findings. Raises StackError."""
    keys = keys_of(folder)
    with err.status("searching"):
        findings = asyncio.run(stores.listed(databases_of(read_state(folder), read_settings(Settings)), keys))
    _print(findings)
    if not keys:
        say("invoicing.bill_to was not read: KEY_ENCRYPTION_KEY is not set")
    return findings


def can_change(findings: Sequence[Finding]) -> bool:
    return any(finding.treatment in _CHANGED for finding in findings)


def redact(folder: Folder, findings: Sequence[Finding], patience: float) -> list[Finding]:
    """Redact, print the result, and return the remaining findings."""
    databases = databases_of(read_state(folder), read_settings(Settings))
    with err.status("redacting"):
        changed = asyncio.run(stores.redacted(databases, findings))
        left = asyncio.run(stores.settled(databases, patience))
    say(f"{changed} redacted, {len(left)} left")
    if any(finding.location.table == "customers" for finding in findings):
        say("Compaction removes older revisions of profiles from the topic billing.customers within a day.")
    _print(left)
    return left


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        say(f"{finding}: {finding.treatment}")


def keys_of(folder: Folder) -> list[bytes]:
    """The key-encryption keys from the environment, or from the local stack. Raises StackError."""
    text = os.environ.get("KEY_ENCRYPTION_KEY") or ",".join(Keys.stored_in(folder).live("key-encryption-key"))
    try:
        keys = [base64.b64decode(key, validate=True) for key in text.split(",") if key]
    except binascii.Error:
        keys = [b""]
    if any(len(key) != _KEY_BYTES for key in keys):
        raise StackError("KEY_ENCRYPTION_KEY is wrong; expected one or more keys of 32 bytes in base64, separated by commas")
    return keys
