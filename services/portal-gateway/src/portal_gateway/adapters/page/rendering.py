"""Templates filled with words. Everything is escaped; no page holds a script, a style or a style attribute of its own."""

import re
from typing import Any, Final
from uuid import uuid4

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from portal_gateway.adapters.page.assets import Assets
from portal_gateway.adapters.page.theme import stylesheet
from portal_gateway.application.wording import Company
from portal_gateway.application.wording_language import CATALOGUES, Language

# Amounts and cards stay on one line: `1,234.50 USD`, `•••• 4242`.
_WHOLE: Final = re.compile(r"-?\d[\d.,\u00a0]* [A-Z]{3}\b|•••• \d{4}")


class Pages:
    """Makes the HTML of every page. `cards_origin` is where card frames come from."""

    def __init__(self, assets: Assets, cards_origin: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("portal_gateway.adapters.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["unbroken"] = unbroken
        self._environment.globals.update(asset=assets.url, cards_origin=cards_origin)

    def page(
        self,
        template: str,
        language: Language,
        /,
        *,
        status: int = 200,
        company: Company | None = None,
        headers: dict[str, str] | None = None,
        **words: Any,
    ) -> HTMLResponse:
        html = self.html(template, language, company=company, **words)
        return HTMLResponse(html, status, {"content-language": language.tag} | (headers or {}))

    def html(self, template: str, language: Language, /, *, company: Company | None = None, **words: Any) -> str:
        frame: dict[str, Any] = {
            "language": language,
            "say": language.say,
            "text": CATALOGUES[language.code].__getitem__,
            "key": uuid4,
            "company": company,
            "theme": stylesheet(company.colour)[0] if company else None,
            "account": "",
            "csrf": "",
            "home": "/",
        }
        return self._environment.get_template(template).render(frame | words)


def unbroken(sentence: str) -> Markup:
    """The sentence, escaped, with its amounts kept whole."""
    return Markup(_WHOLE.sub(r'<span class="whole">\g<0></span>', str(escape(sentence))))
