"""Documents of the example's invoice, and readers of PDF content."""

import hashlib
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ContentStream

from invoicing.application.invoices import Document, Settlement
from invoicing.domain.invoice.invoice import Status
from support.invoicing.examples import ANA, ISSUED, PAID, VISA, VOIDED

OPEN = Document(ISSUED, Settlement(), ANA)
SETTLED = Document(ISSUED, Settlement(Status.PAID, PAID.at, VISA, reference="sbx_ch_1"), ANA)
VOID = Document(ISSUED, Settlement(Status.VOID, VOIDED.at), ANA)

LOGO = b64decode("UklGRh4AAABXRUJQVlA4TBEAAAAvL8ADAAdQrqJUuP+BiOh/AAA=")
"""A WebP of 48 by 16 pixels."""
LOGO_ID = hashlib.sha256(LOGO).hexdigest()


async def logos(sha256: str) -> bytes:
    """The merchant's only upload."""
    return {LOGO_ID: LOGO}[sha256]


@dataclass(frozen=True)
class Tag:
    """A node of a PDF's structure tree: role, alternative text, attributes and children."""

    role: str
    alt: str | None
    attributes: dict[str, Any]
    kids: tuple["Tag", ...]

    def walk(self) -> Iterator["Tag"]:
        yield self
        for kid in self.kids:
            yield from kid.walk()

    def all(self, *roles: str) -> list["Tag"]:
        return [tag for tag in self.walk() if tag.role in roles]


def opened(pdf: bytes) -> PdfReader:
    return PdfReader(BytesIO(pdf))


def root(pdf: bytes) -> Any:
    """The dictionary of the whole document."""
    return opened(pdf).root_object


def tags(pdf: bytes) -> Tag:
    """The document's structure."""
    return _tag(root(pdf)["/StructTreeRoot"]["/K"][0])


def text(pdf: bytes) -> str:
    """The searchable text without line breaks."""
    pages = "\n".join(page.extract_text() for page in opened(pdf).pages)
    return " ".join(pages.replace("\u200b", "").split())


def unmarked(pdf: bytes) -> list[str]:
    """Texts that are neither tagged nor marked as artifacts."""
    texts = []
    reader = opened(pdf)
    for page in reader.pages:
        depth = 0
        for operands, operator in ContentStream(page["/Contents"].get_object(), reader).operations:
            depth += (operator in (b"BDC", b"BMC")) - (operator == b"EMC")
            if operator in (b"Tj", b"TJ") and not depth:
                texts.append(str(operands))
    return texts


def _tag(node: Any) -> Tag:
    node = node.get_object()
    kids = node.get("/K", [])
    kids = kids if isinstance(kids, list) else [kids]
    inner = tuple(_tag(kid) for kid in kids if isinstance(kid.get_object(), dict) and "/S" in kid.get_object())
    attributes = node.get("/A", [])
    attributes = attributes if isinstance(attributes, list) else [attributes]
    attributes_by_name = {name[1:]: value for part in attributes for name, value in part.get_object().items()}
    return Tag(node["/S"][1:], str(node["/Alt"]) if "/Alt" in node else None, attributes_by_name, inner)
