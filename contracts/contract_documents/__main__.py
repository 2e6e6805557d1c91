"""`make contracts`: writes the JSON Schemas, missing samples, asyncapi.yaml and events.html.

Changes nothing when a published schema would break its readers, or when a sample is missing and cannot be written.
"""

import sys
from pathlib import Path

from contract_documents.files import CONTRACTS
from contract_documents.generated import PUBLISHED, breaking, documents, new_samples, stale
from contract_documents.samples import NoExample


def main() -> int:
    if refused := [sentence for path in PUBLISHED for sentence in breaking(path)]:
        sys.stderr.write("\n".join(refused) + "\n")
        return 1
    try:
        samples = new_samples()
    except NoExample as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write(samples)
    write(documents())
    return 0


def write(texts: dict[Path, str]) -> None:
    """Write the files that differ and print their names."""
    for path, text in texts.items():
        if stale(path, text):
            path.write_text(text)
            sys.stdout.write(f"contracts/{path.relative_to(CONTRACTS)}\n")


if __name__ == "__main__":
    raise SystemExit(main())
