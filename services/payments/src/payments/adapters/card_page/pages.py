"""Renders the pages of this origin."""

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from chassis.http import problems
from chassis.http.problems import Problem
from chassis.text import isolated, with_bdi
from payments.adapters.card_page import files
from payments.adapters.card_page.policies import stripe_policy
from payments.adapters.card_page.words import MESSAGES, catalogues, confirm_text, language_of, privacy, words_for
from payments.application.card_setup import Merchant, SetUp
from payments.application.charges import NoAnswer
from presentation.languages import Language

_FILES: Final = {
    "css": "card.css",
    "js": "card.js",
    "fields_js": "fields.js",
    "gone_js": "gone.js",
    "frame_js": "frame.js",
    "confirm_js": "confirm.js",
    "provider_js": "provider.js",
    "stripe_js": "stripe.js",
}
"""Name in the templates -> file."""


class Pages:
    def __init__(self, assets: files.Assets, portal_origin: str, stripe_script: str) -> None:
        self._assets, self._portal_origin, self._stripe_script = assets, portal_origin, stripe_script
        self._templates = Environment(loader=FileSystemLoader(files.FOLDER), autoescape=True, undefined=StrictUndefined)
        self._templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}

    def address(self, name: str) -> str:
        """Of a static file: `/cards/files/bank.1f2e3d4c5b6a.js`."""
        return f"/cards/files/{self._assets[name][0]}"

    def page(self, template: str, setup: SetUp, *, with_stripe: bool = False, **more: Any) -> HTMLResponse:
        """A page of an open set-up, in its language. `with_stripe`: with Stripe's script and the policy for it."""
        policy = {"content-security-policy": stripe_policy(self._portal_origin, self._stripe_script)} if with_stripe else None
        about = more | {"stripe_script": self._stripe_script if with_stripe else None}
        return HTMLResponse(self._render(template, setup.id, language_of(setup.locale), **about), headers=policy)

    def card(self, template: str, setup: SetUp, merchant: Merchant, *, with_stripe: bool = False, **more: Any) -> HTMLResponse:
        """A page on which the customer enters a card."""
        language = language_of(setup.locale)
        about = {
            "privacy": Markup(with_bdi(str(escape(privacy(language, isolated(merchant.name)))))),
            "confirm": confirm_text(language, [due.amount for due in setup.due]),
        }
        return self.page(template, setup, with_stripe=with_stripe, **about, **more)

    def absent(self, setup_id: str, request: Request, error: Exception, *, gone: str = MESSAGES["gone"]) -> HTMLResponse:
        """The page for a set-up that has ended or is unknown (its sentence is `gone`), or while something does not answer.

        Raises other errors.
        """
        accept = ", ".join(request.headers.getlist("accept-language"))
        language = catalogues().choose(catalogues().preferred(accept), None)
        if isinstance(error, Problem | ValueError):
            return HTMLResponse(self._render("gone.html", setup_id, language, over="gone", sentence=language.say(gone)), 404)
        fault = problems.problem_of_fault(error, "GET")
        if fault is None and not isinstance(error, NoAnswer):
            raise error
        text = self._render("gone.html", setup_id, language, over="away", sentence=words_for(language)["away"])
        return HTMLResponse(text, fault.status if fault else HTTPStatus.SERVICE_UNAVAILABLE, fault.headers if fault else None)

    def _render(self, template: str, setup_id: UUID | str, language: Language, **more: Any) -> str:
        about: dict[str, Any] = {name: self._assets[file][0] for name, file in _FILES.items()}
        about |= {"setup_id": setup_id, "portal_origin": self._portal_origin}
        about |= {"lang": language.tag, "words": words_for(language)}
        return self._templates.get_template(template).render(about | more)
