"""Checks of settings that name files for TLS (PEM)."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from chassis.service.setting_types import Expected
from chassis.tls import client_context, load_certificate


def empty_is_none(value: Any) -> Any:
    return value or None


def authorities(path: Path) -> Path:
    try:
        client_context(path)
    except (OSError, ValueError):
        raise ValueError("is not a readable file with certificates (PEM)") from None
    return path


def certificate(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("is not a file")
    try:
        load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise ValueError("is not a readable file with a certificate (PEM)") from None
    return path


def key_of(certificate_field: str) -> Callable[[Path | None, ValidationInfo], Path | None]:
    """Checks a certificate, which an earlier field names, together with its key. The key may be in the certificate's file."""

    def key(path: Path | None, info: ValidationInfo) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError("is not a file")
        file = info.data.get(certificate_field)
        if file is None:
            if path is not None and certificate_field in info.data:
                raise ValueError("is set without a certificate")
            return path
        try:
            load_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), file, path)
        except (OSError, ValueError):
            raise ValueError("has no unencrypted key of the certificate (PEM)") from None
        return path

    return key


Authorities = Annotated[
    Annotated[Path, AfterValidator(authorities)] | None,
    BeforeValidator(empty_is_none),
    Expected("a file with certificates of authorities (PEM), or an empty value"),
]
CertificateFile = Annotated[
    Annotated[Path, AfterValidator(certificate)] | None,
    BeforeValidator(empty_is_none),
    Expected("a file with a certificate (PEM), or an empty value"),
]
