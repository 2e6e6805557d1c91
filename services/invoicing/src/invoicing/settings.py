"""The settings of this service, in addition to those of every service."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from chassis.service.setting_keys import parts
from chassis.service.setting_types import Expected
from chassis.service.settings import ServiceSettings


def _have_32_bytes(keys: SecretStr) -> SecretStr:
    for key in parts(keys.get_secret_value()):
        try:
            raw = base64.b64decode(key, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("is not base64") from None
        if len(raw) != 32:
            raise ValueError(f"has {len(raw)} bytes")
    return keys


class Settings(ServiceSettings):
    key_encryption_key: Annotated[
        SecretStr, AfterValidator(_have_32_bytes), Expected("32 bytes as base64, several separated by commas", secret=True)
    ]
    """Wraps the keys under which buyers' particulars are kept: the first one wraps, all of them unwrap. Without it they can never
    be read again."""
    pdf_concurrency: Annotated[int, Field(ge=1, le=64), Expected("a whole number from 1 to 64")] = 2
    """Documents rendered at a time; about the number of cores."""

    @property
    def key_encryption_keys(self) -> tuple[bytes, ...]:
        """The first one wraps, all of them unwrap."""
        return tuple(base64.b64decode(key) for key in parts(self.key_encryption_key.get_secret_value()))
