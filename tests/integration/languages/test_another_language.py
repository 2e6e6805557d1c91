"""`make language` adds a language. It is offered at once, with English for messages without a translation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import write_po

from portal_gateway.application.presentation import language
from portal_gateway.application.presentation.details import BADGES
from portal_gateway.application.presentation.invoices import STATUSES
from support.catalogue_packages import PACKAGES, ROOT, catalogue, copied, make
from support.portal_page.fakes import Stage

GATEWAY = PACKAGES[0]
CONTEXT_END = "\x04"
"""Between context and message, as in gettext."""


@pytest.fixture(scope="module")
def portuguese(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("portuguese"))
    result = make(folder, "language", "CODE=pt")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def translated(portuguese: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The portal page with the new catalogue, in which one message is translated."""
    path = portuguese / GATEWAY / "locales/pt/LC_MESSAGES/messages.po"
    messages = catalogue(portuguese, GATEWAY, "pt")
    context, _, word = BADGES["active"].partition(CONTEXT_END)
    message = messages.get(word, context)
    assert message is not None
    message.string = "Vigente"
    with path.open("wb") as file:
        write_po(file, messages)
    monkeypatch.setattr(language, "LOCALES", portuguese / GATEWAY / "locales")
    language.catalogues.cache_clear()
    yield
    language.catalogues.cache_clear()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_new_catalogue_has_every_message(portuguese: Path, package: str) -> None:
    spanish = {(message.context, message.id) for message in catalogue(ROOT, package, "es") if message.id}
    assert {(message.context, message.id) for message in catalogue(portuguese, package, "pt") if message.id} == spanish


@pytest.mark.usefixtures("translated")
async def test_a_page_shows_translations_and_english_for_the_rest() -> None:
    async with Stage().browser() as browser:
        page = (await browser.get("/?lang=pt")).text
        by_header = (await browser.get("/ended", headers={"accept-language": "pt-BR, es;q=0.5", "cookie": ""})).text
    assert '<html lang="pt">' in page
    assert 'data-status="active">Vigente<' in page
    assert "14 de junho de 2023" in page
    assert "29,99 USD" in page
    english = language.catalogues().language("en").say(STATUSES["paid"])
    assert f'data-status="paid">{english}<' in page
    assert '<html lang="pt">' in by_header


@pytest.mark.usefixtures("translated")
async def test_a_page_offers_each_other_language_by_its_own_name() -> None:
    async with Stage().browser() as browser:
        pages = {code: (await browser.get(f"/?lang={code}")).text for code in ("es", "en", "pt")}
    for code, page in pages.items():
        for other, name in {"es": "Español", "en": "English", "pt": "Português"}.items():
            link = re.search(rf'lang="{other}" hreflang="{other}"[^>]*>{name}</a>', page)
            assert (link is not None) is (other != code)


@pytest.mark.parametrize(
    ("code", "message"), [("es", "the language exists"), ("pt_BR", "make language CODE=pt"), ("xx", "unknown locale")]
)
def test_an_invalid_language_changes_no_catalogue(portuguese: Path, code: str, message: str) -> None:
    before = {path: path.read_bytes() for path in portuguese.rglob("*.po")}
    result = make(portuguese, "language", f"CODE={code}")
    assert result.returncode != 0
    assert message in result.stdout + result.stderr
    assert {path: path.read_bytes() for path in portuguese.rglob("*.po")} == before
