"""What an operator can set for invoicing, beside what every service has."""

import base64
import binascii

from pydantic import SecretStr, field_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    key_encryption_key: SecretStr
    """32 bytes, base64: wraps the keys under which buyers' particulars are kept. Lost, they can never be read again."""
    pdf_concurrency: int = 2
    """Documents rendered at a time; about the number of cores."""

    @field_validator("key_encryption_key")
    @classmethod
    def _has_32_bytes(cls, key: SecretStr) -> SecretStr:
        try:
            raw = base64.b64decode(key.get_secret_value(), validate=True)
        except binascii.Error:
            raise ValueError("is not base64") from None
        if len(raw) != 32:
            raise ValueError("does not have 32 bytes")
        return key

    @property
    def key_encryption_bytes(self) -> bytes:
        return base64.b64decode(self.key_encryption_key.get_secret_value())
