"""The settings of this service, in addition to those of every service."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from chassis.service.setting_types import Expected
from chassis.service.settings import ServiceSettings


def _has_32_bytes(key: SecretStr) -> SecretStr:
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(raw) != 32:
        raise ValueError(f"has {len(raw)} bytes")
    return key


class Settings(ServiceSettings):
    key_encryption_key: Annotated[SecretStr, AfterValidator(_has_32_bytes), Expected("32 bytes as base64", secret=True)]
    """Wraps the keys under which buyers' particulars are kept. Without it they can never be read again."""
    pdf_concurrency: Annotated[int, Field(ge=1, le=64), Expected("a whole number from 1 to 64")] = 2
    """Documents rendered at a time; about the number of cores."""

    @property
    def key_encryption_bytes(self) -> bytes:
        return base64.b64decode(self.key_encryption_key.get_secret_value())
