"""Invoices that were issued with layout 1 keep their bytes."""

import hashlib
from dataclasses import replace

import pytest

from invoicing.adapters.document.renderer import Renderer
from invoicing.application.invoices import Document, Settlement
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.totals import totals_of
from support.invoicing.examples import ANA, ISSUE, ISSUED, IVA, LETTERHEAD, PAID, VISA, VOIDED, costing, day, issued
from support.invoicing.pdf_documents import LOGO_ID

SPANISH = replace(LETTERHEAD, layout=1)
ENGLISH = replace(SPANISH, locale="en-US", paper="us-letter", decimals=2, colour=None, contact_email=None)
NEW_TAX = replace(IVA, inclusive=False)
LINES = issued(costing(2999, tax=IVA)).lines * 40

SETTLEMENTS = {
    "open": Settlement(),
    "paid": Settlement(Status.PAID, PAID.at, VISA),
    "paid without a card": Settlement(Status.PAID, PAID.at),
    "void": Settlement(Status.VOID, VOIDED.at),
    "refunded": Settlement(Status.VOID, VOIDED.at, None, day(5, of=18)),
}
DOCUMENTS = {
    f"{name}, {head.locale}": Document(replace(ISSUED, letterhead=head), settlement, ANA)
    for name, settlement in SETTLEMENTS.items()
    for head in (SPANISH, ENGLISH)
} | {
    "taxed": Document(issued(replace(costing(2999, 3, IVA), letterhead=SPANISH)), SETTLEMENTS["paid"], ANA),
    "tax added, English": Document(issued(replace(costing(2999, 3, NEW_TAX), letterhead=ENGLISH)), SETTLEMENTS["open"], ANA),
    "erased, with a logo": Document(
        replace(ISSUED, letterhead=replace(SPANISH, logo=LOGO_ID), period_zone="Europe/Madrid"), SETTLEMENTS["paid"], None
    ),
    "many lines": Document(
        replace(ISSUED, letterhead=SPANISH, lines=LINES, tax=IVA, totals=totals_of(LINES)), SETTLEMENTS["paid"], ANA
    ),
    "another region and script": Document(
        issued(replace(ISSUE, letterhead=replace(SPANISH, locale="es-AR", brand="株式会社テスト", time_zone="America/Bogota"))),
        SETTLEMENTS["open"],
        replace(ANA, name="شركة (12)"),
    ),
}
BYTES = {
    "open, es-MX": "f864d9fd10d4bfa71b4f79e42740cc1fcc2080f8386fee5cbf8985d1d2791f56",
    "open, en-US": "a56e205beea3749344878bc851b6eb2caf4f30b7d329336c2bec843ce22f00c4",
    "paid, es-MX": "979b694447b9a890380e49a1b99cb88e06014462223a15f479a6adec11859ceb",
    "paid, en-US": "2ddac549b0c5437e73037d5587fb50ab007998f008373847e97a464f18705bbb",
    "paid without a card, es-MX": "6ba54b478358338fb9d7d4659235e9b8f8251cffc5144ff930384799683b6792",
    "paid without a card, en-US": "3c3b23fd76cf601607f47b4824cb8781331ae48b83e7500d6cbb44b35e79cc5b",
    "void, es-MX": "f8b37813a3110253f5a7348a1ab1c1cff1fcb425549e9ef776c39e6b5dfd9b3d",
    "void, en-US": "479becfe02a4e2d9e33d89aebfd3ba50133102aeb96990b7453dbcbf04644d4f",
    "refunded, es-MX": "08680f93974756ec6c09076ffe001dc8bbd93ad00ab2c67d1ca7d241b549298e",
    "refunded, en-US": "613d1c583e64f1c2999a8d452e22c5bed1979902832eb754a06fa2ce44fec687",
    "taxed": "b971b3e0d37a354d58259eb98748779a189a52160f33959c1a09f5bcf7c386b7",
    "tax added, English": "c0a047db5873f8bc684ed9cd58be29ab75d0e181eb44e7f78268e5defe0f9216",
    "erased, with a logo": "95d1fe070d1e1fe9cdc7169a89219317e76976e6a3624b98659060d63a8cb6d8",
    "many lines": "18fd0f34551aae93f5edb41af580456e0374573ec0050a8d5e9fd9296de76358",
    "another region and script": "5ed942d8a5419709b68c695ea5070b1c9a1be076cbf8ab621a3ac46014ac1f6c",
}
"""SHA-256 of each document, recorded while layout 1 was the only one."""


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_an_issued_invoice_keeps_its_bytes(name: str, render: Renderer) -> None:
    """Goes red when Typst, Babel's data, a font, a sentence or the template would change documents that customers have."""
    assert hashlib.sha256(await render(DOCUMENTS[name])).hexdigest() == BYTES[name]
