"""The prefix of a merchant's invoice numbers."""

import re
import unicodedata

_LEGAL_FORM = re.compile(r"inc|llc|ltd|limited|corp|co|gmbh|ag|sas?|sl|srl|bv|plc|sapi|de|cv|rl", re.IGNORECASE)


def series_of(name: str) -> str:
    """The initials of the name without its legal form: `TS` for `TechSolutions Inc.`; `INV` if there are none."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace(".", "")
    words = [word for word in re.findall(r"[A-Za-z0-9]+", ascii_name) if not _LEGAL_FORM.fullmatch(word)]
    initials = [initial for word in words for initial in re.findall(r"^[a-z0-9]|[A-Z](?=[a-z])|^[A-Z]", word)]
    if len(initials) < 2:
        initials = list("".join(words)[:2])
    return "".join(initials)[:4].upper() or "INV"
