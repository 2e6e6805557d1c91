"""The layouts of documents. Each is a function here and the template `invoice_<number>.typ`."""

from collections.abc import Callable
from typing import Final

from invoicing.adapters.document import layout_1, layout_2
from invoicing.application.invoices import Document

LAYOUTS: Final[dict[int, Callable[[Document, bytes | None], str]]] = {1: layout_1.lay_out, 2: layout_2.lay_out}


def lay_out(document: Document, logo: bytes | None = None) -> str:
    """The input of the document's template: one JSON document of finished texts.

    `logo` is a WebP. Without one, the brand's initial is printed.
    """
    return LAYOUTS[document.issued.letterhead.layout](document, logo)
