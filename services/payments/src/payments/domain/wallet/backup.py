"""The backup card, and the customer's consent to be charged with it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class BackupConsent:
    """The text that the customer agreed to."""

    text: str
    """The version of the text."""
    language: str
    """BCP 47 tag of the language in which it was shown."""
    at: datetime
    """By the merchant's clock."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The card that is charged once if the default fails. Without a consent there is none."""

    method_id: UUID
    consent: BackupConsent
