"""Files on this machine: secrets that only their owner may read, certificates that are valid, and free disk space."""

import os
import shutil
import stat
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509

from portalctl.doctor.findings import CheckResult, failed, ok, skipped, spoken, warning
from portalctl.service_settings import SETTINGS
from portalctl.settings import Settings

EXPIRES_SOON = timedelta(days=21)
_FREE_LOW, _FREE_TOO_LOW = 5, 1
"""GiB"""
_GIB = 1 << 30
_CERTIFICATES = ("_ca_file", "_certificate_file")
_CERTIFICATE_PARAMETERS = ("sslrootcert", "sslcert")
_KEY_PARAMETERS = ("sslkey",)


def check_secrets(environment: Mapping[str, str], urls: Mapping[str, str], stack: Path | None) -> list[CheckResult]:
    """The files that hold secrets: `<NAME>_FILE`, keys in database URLs, and the local stack's own."""
    files = {name: Path(value) for name in _variables(certificates=False) if (value := environment.get(name))}
    files |= _in_urls(urls, _KEY_PARAMETERS)
    if stack is not None and stack.exists():
        files["secrets of the local stack"] = stack
    findings = [_check_secret(name, file) for name, file in sorted(files.items())]
    return findings or [skipped("secret files", "no setting names a file with a secret")]


def check_certificates(environment: Mapping[str, str], urls: Mapping[str, str], now: datetime | None = None) -> list[CheckResult]:
    files = {name: Path(value) for name in _variables(certificates=True) if (value := environment.get(name))}
    files |= _in_urls(urls, _CERTIFICATE_PARAMETERS)
    findings = [_check_certificate(name, file, now or datetime.now(UTC)) for name, file in sorted(files.items())]
    return findings or [skipped("certificates", "no setting names a file with certificates")]


def check_disk(folder: Path | None) -> CheckResult:
    """The disk of the local stack's folder, if one runs here."""
    if folder is None or not folder.exists():
        return skipped("disk", "the servers run elsewhere: watch their disks there")
    usage = shutil.disk_usage(folder)
    what = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.0f} GiB are free for {folder}"
    advice = "free space, or move the folder: PostgreSQL and Kafka stop when the disk is full"
    if usage.free < _FREE_TOO_LOW * _GIB:
        return failed("disk", what, advice)
    return warning("disk", what, advice) if usage.free < _FREE_LOW * _GIB else ok("disk", what)


def _variables(*, certificates: bool) -> set[str]:
    """The variables of services and portalctl that name a file: `NAME_FILE` instead of `NAME`, and settings that are a file."""
    fields = Settings.model_fields.keys() | {field for settings in SETTINGS.values() for field in settings.model_fields}
    if certificates:
        return {field.upper() for field in fields if field.endswith(_CERTIFICATES)}
    return {
        field.upper() if field.endswith("_file") else f"{field.upper()}_FILE"
        for field in fields
        if not field.endswith(_CERTIFICATES)
    }


def _in_urls(urls: Mapping[str, str], parameters: tuple[str, ...]) -> dict[str, Path]:
    """Files in the URLs of databases: `payments sslrootcert`."""
    return {
        f"{name} {parameter}": Path(values[-1])
        for name, url in urls.items()
        for parameter, values in parse_qs(urlsplit(url).query).items()
        if parameter in parameters and values[-1] not in ("", "system")
    }


def _check_secret(name: str, file: Path) -> CheckResult:
    check = f"secret {name}"
    try:
        status = file.stat()
    except OSError as error:
        return failed(check, f"{file}: {error.strerror}", "name an existing file, or remove the setting")
    if not os.access(file, os.R_OK):
        return failed(check, f"{file} cannot be read by this user", f"chown it to user {os.geteuid()}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        who = "everyone" if mode & 0o007 else f"the group {status.st_gid}"
        return warning(check, f"{file} has mode {mode:03o}: {who} may use it", f"chmod 600 {file}")
    return ok(check, f"{file} has mode {mode:03o}")


def _check_certificate(name: str, file: Path, now: datetime) -> CheckResult:
    check = f"certificate {name}"
    try:
        with warnings.catch_warnings(action="ignore"):  # about old authorities in a system's bundle
            certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        return failed(check, f"{file}: {error.strerror}", "name an existing file, or remove the setting")
    except ValueError:
        return failed(check, f"{file} has no certificate in PEM format", "name a file with certificates")
    # Of several authorities one is enough. A certificate of this client comes first, its chain after it.
    authorities = "ca_file" in name.lower() or "rootcert" in name
    relevant = max(certificates, key=lambda each: each.not_valid_after_utc) if authorities else certificates[0]
    subject = f"{relevant.subject.rfc4514_string() or 'the certificate'} in {file}"
    if relevant.not_valid_before_utc > now:
        return failed(check, f"{subject} is valid from {relevant.not_valid_before_utc:%Y-%m-%d %H:%M}Z", "check the clock")
    left = relevant.not_valid_after_utc - now
    if left <= timedelta():
        return failed(check, f"{subject} expired {spoken(-left)} ago", "renew it; new connections read the file again")
    what = f"{subject} expires in {spoken(left)}"
    return warning(check, what, "renew it") if left < EXPIRES_SOON else ok(check, what)
