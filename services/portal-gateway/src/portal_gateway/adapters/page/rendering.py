"""Renders the templates. Every value is escaped; no page has inline scripts, styles or style attributes."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, cast
from uuid import uuid4

from jinja2 import PackageLoader, StrictUndefined, pass_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from chassis.text import isolated, with_bdi, without_bidi_controls
from portal_gateway.adapters.page import request_context
from portal_gateway.adapters.page.assets import Assets
from portal_gateway.adapters.page.escaping import Templates, escaped
from portal_gateway.adapters.page.theme import stylesheet
from portal_gateway.application.presentation.common import Company
from portal_gateway.application.presentation.language import catalogues
from presentation.languages import Language, in_context

_AMOUNT: Final = r"-?\d[\d.,\u00a0\u202f]* [A-Z]{3}\b"
_CARD: Final = r"\S+ •••• \d{4}"


class Pages:
    """Renders every page. `cards_origin` is the origin of the card frames."""

    def __init__(self, assets: Assets, cards_origin: str) -> None:
        self._asset, self._cards_origin = assets.url, cards_origin
        catalogues()  # loaded at start-up, so that no request waits for it

    def page(
        self, template: str, request: Request, /, *, status: int = 200, headers: dict[str, str] | None = None, **words: Any
    ) -> HTMLResponse:
        """The rendered template, with the frame that every page has."""
        language = request_context.language(request)
        html = self._html(template, language, {**request_context.frame(request), **words})
        return HTMLResponse(html, status, {"content-language": language.tag} | (headers or {}))

    def _html(self, template: str, language: Language, words: dict[str, Any]) -> str:
        company: Company | None = words.get("company")
        frame: dict[str, Any] = {
            "asset": self._asset,
            "cards_origin": self._cards_origin,
            "language": language,
            "say": language.say,
            "say_count": language.say_count,
            "sentence": language.sentence,
            "sentences": language.sentences,
            "key": uuid4,
            "company": company,
            "theme": stylesheet(company.colour)[0] if company else None,
            "account": "",
            "home_words": language.say("Back to the portal"),
            "csrf": "",
            "refused": False,
            "revoked": False,
            "paste": False,
            "reference": None,
            "reload": None,
        }
        return environment(language.code).get_template(template).render(frame | words)


class TranslationExtension(Extension):
    """Translates sentences without values when a template is compiled: `say("Log out")` becomes a constant."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        say, tokens, index = cast(Language, self.environment.globals["language"]).say, list(stream), 0
        while index < len(tokens):
            match [(token.type, token.value) for token in tokens[index : index + 4]]:
                case [("name", "say"), ("lparen", _), ("string", sentence), ("rparen", _)]:
                    yield Token(tokens[index].lineno, "string", say(sentence))
                    index += 4
                case _:
                    yield tokens[index]
                    index += 1


@cache
def environment(code: str) -> Templates:
    """The templates in one language, compiled once per process."""
    templates = Templates(
        extensions=[TranslationExtension],
        loader=PackageLoader("portal_gateway.adapters.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        auto_reload=False,
    )
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    templates.filters |= {"unbroken": unbroken, "isolates": isolates, "typed": typed}
    templates.globals |= {"in_context": in_context, "isolated": isolated, "language": catalogues().language(code)}
    return templates


@pass_context
def unbroken(context: Context, sentence: str) -> Markup:
    """The sentence, escaped, with each amount, card and day on one line: `1,234.50 USD`, `•••• 4242`, `14 de junio de 2023`."""
    whole = _whole(context["language"].date_pattern)
    return Markup(whole.sub(r'<span class="whole">\g<0></span>', with_bdi(escaped(sentence))))


def typed(text: str, look: str = "") -> Markup:
    """User input, escaped and isolated, so that it cannot change the direction of the text around it. `look` is a CSS class."""
    return Markup("".join((f'<bdi class="{look}">' if look else "<bdi>", escaped(without_bidi_controls(text)), "</bdi>")))


def isolates(sentence: str) -> Markup:
    """The sentence, escaped, with `<bdi>` around its isolated parts."""
    return Markup(with_bdi(escaped(sentence)))


@cache
def _whole(days: str) -> re.Pattern[str]:
    return re.compile(f"{_AMOUNT}|{_CARD}|{days}")
