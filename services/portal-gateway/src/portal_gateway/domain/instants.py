"""How instants are written."""

from datetime import datetime


def rfc3339(instant: datetime) -> str:
    """An aware UTC datetime as the events write it: `2023-05-14T09:30:00Z`."""
    return instant.isoformat().replace("+00:00", "Z")
