"""The settings of this service, in addition to those of every service."""

from typing import Annotated

from pydantic import Field

from chassis.service.setting_keys import KeyEncryptionKeys, key_bytes
from chassis.service.setting_types import Expected
from chassis.service.settings import ServiceSettings


class Settings(ServiceSettings):
    key_encryption_key: KeyEncryptionKeys
    """Wraps the keys under which buyers' particulars are kept: the first one wraps, all of them unwrap. Without it they can never
    be read again."""
    pdf_concurrency: Annotated[int, Field(ge=1, le=64), Expected("a whole number from 1 to 64")] = 2
    """Documents rendered at a time; about the number of cores."""

    @property
    def key_encryption_keys(self) -> tuple[bytes, ...]:
        """The first one wraps, all of them unwrap."""
        return key_bytes(self.key_encryption_key)
