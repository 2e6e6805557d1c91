"""The HTML pages and forms."""

import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from httpx import AsyncClient

from chassis.http.problems import Problem
from portal_gateway.adapters.guard import security_headers
from portal_gateway.adapters.page.overview import KEEP_CONFIRMATION
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import COOKIE, TOKEN, Stage
from support.portal_page.sentences import spanish

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
KEEP = f"/subscriptions/{scenes.PREMIUM}/keep"
INVOICE = f"/invoices/{scenes.invoice_id(14)}"
PAGES = ["/", CANCEL, "/payment-method", INVOICE, "/enter", "/ended", "/no/such/page", "/?lang=en", "/?year=2022&status=paid"]
HOSTILE = '<script>alert("x")</script><b style="color:red">\N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}\' onload=x'
FORM = {"csrf": "csrf-of-ana", "idempotency_key": "once"}


def hostile() -> View:
    named = scenes.plan(name=HOSTILE, description=HOSTILE)
    return scenes.view(
        scenes.subscription(plan=named),
        scenes.subscription(id=scenes.invoice_id(99), plan=named),
        merchant=scenes.merchant(
            name=HOSTILE, branding={"contact_email": HOSTILE, "terms_url": f"https://x/{HOSTILE}", "colour": HOSTILE}
        ),
        invoices=[scenes.invoice(14, plan_name=HOSTILE)],
        customer={
            "id": str(scenes.CUSTOMER),
            "name": HOSTILE,
            "email": f"{HOSTILE}@example.com",
            "locale": HOSTILE,
            "country": "MX",
        },
    )


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "view", [scenes.view(), scenes.owing(), scenes.view(scenes.ending()), hostile()], ids=["usual", "owing", "ending", "hostile"]
)
@pytest.mark.parametrize("path", PAGES)
async def test_no_page_has_inline_scripts_styles_or_handlers(view: View, path: str) -> None:
    async with Stage(view).browser() as browser:
        html = (await browser.get(path)).text
    for tag, attributes in Elements(html).tags:
        assert tag not in ("style", "base", "object", "embed")
        assert tag != "script" or re.fullmatch(r"/static/[0-9a-f]{20}\.js", attributes["src"] or "")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith(("on", "hx-on"))]
        assert not (attributes.get("href") or "").startswith("javascript:")


async def test_user_input_is_shown_and_never_executed() -> None:
    async with Stage(hostile()).browser() as browser:
        for path in ("/", CANCEL, "/payment-method"):
            html = (await browser.get(path)).text
            assert "<script>alert" not in html
            assert "&lt;script&gt;alert" in html
            assert "\N{PILE OF POO}" in html


async def test_the_four_panes_have_the_specifications_order() -> None:
    async with Stage().browser() as browser:
        html = (await browser.get("/")).text
    titles = ['id="summary-title"', 'class="order beside"', 'id="subscription-title"', 'id="method-title"', 'id="invoices-title"']
    places = [html.index(title) for title in titles]
    assert places == sorted(places)
    assert re.search(r'<h1 class="hidden">.*TechSolutions Inc\..*</h1>', html)
    assert re.search('<span class="number num"><span class="hidden">[^<]+</span>TS-000014<', html)
    assert 'href="/export.csv"' in html
    assert 'id="older"' in html


async def test_ids_are_unique_and_labels_have_targets() -> None:
    async with Stage(scenes.owing()).browser() as browser:
        for path in PAGES:
            elements = Elements((await browser.get(path)).text).tags
            ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
            visible = [id for id in ids if id != "sheet-title"]
            assert len(visible) == len(set(visible)), path
            for _, attributes in elements:
                for reference in ("for", "aria-labelledby", "aria-describedby"):
                    for target in (attributes.get(reference) or "").split():
                        assert target in ids or target == "sheet-title", (path, target)


def pane_status(html: str) -> str:
    """The status in the pane of the subscription."""
    pane = html[html.index('id="pane-subscription"') :]
    status = re.search(r'data-status="(\w+)"', pane)
    assert status
    return status[1]


async def test_several_subscriptions_have_a_switcher_and_an_unknown_id_is_ignored() -> None:
    other = scenes.subscription("past_due", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"), debt=scenes.debt())
    async with Stage(scenes.view(scenes.subscription(), other)).browser() as browser:
        chosen = (await browser.get(f"/?subscription={other['id']}")).text
        usual = (await browser.get(f"/?subscription={scenes.CUSTOMER}")).text
    assert pane_status(chosen) == "past_due"
    assert f'href="/?subscription={other["id"]}" aria-current="true"' in chosen
    assert pane_status(usual) == "active"


async def test_an_empty_history_says_so_and_offers_nothing_to_download() -> None:
    async with Stage(scenes.view(invoices=[], invoice_count=0, invoice_years=[])).browser() as browser:
        html = (await browser.get("/")).text
    assert 'data-empty="history"' in html
    assert 'id="download-all"' not in html


async def test_a_customer_without_subscription_has_a_page() -> None:
    view = scenes.view(payment_method=None, invoices=[], invoice_count=0, invoice_years=[])
    view.facts["subscriptions"].clear()
    async with Stage(view).browser() as browser:
        answer = await browser.get("/")
    assert answer.status_code == 200
    assert re.search(r'id="pane-subscription".*?<p class="empty quiet">\S', answer.text, re.DOTALL)


@pytest.mark.parametrize("path", ["/", CANCEL, INVOICE, "/payment-method", "/export.zip", f"{INVOICE}.pdf", "/no/such/page"])
async def test_without_a_session_every_page_is_the_same_neutral_page(path: str) -> None:
    async with Stage().browser(signed_in=False) as browser:
        neutral, answer = await browser.get("/"), await browser.get(path)
    assert (answer.status_code, answer.content) == (401, neutral.content)
    assert 'data-code="not_opened"' in answer.text
    assert 'action="/enter"' in answer.text


async def test_a_refused_link_gets_the_neutral_page() -> None:
    bad = ["", "nonsense", f"{TOKEN}x", f"http://127.0.0.1:8000/enter#{scenes.CUSTOMER}.{'s' * 43}", HOSTILE, "x\0y", "é" * 9000]
    async with Stage().browser(signed_in=False) as browser:
        refused = [await browser.post("/enter", data={"link": link}) for link in bad]
    assert {answer.status_code for answer in refused} == {401}
    assert {answer.content for answer in refused} == {refused[0].content}
    page = refused[0].text
    assert 'data-code="not_opened"' in page
    assert re.search(r'id="link-error">\S', page)
    (field,) = [attributes for tag, attributes in Elements(page).tags if attributes.get("name") == "link"]
    assert (field["aria-invalid"], field["aria-describedby"], field.get("value")) == ("true", "link-hint link-error", None)


@pytest.mark.parametrize(("flow", "leads_to"), [(None, "/"), ("payment_method", "/payment-method"), ("cancel", "/cancel")])
async def test_a_pasted_link_opens_a_session(flow: str | None, leads_to: str) -> None:
    stage = Stage()
    stage.access.flow = flow  # type: ignore[assignment]
    async with stage.browser(signed_in=False) as browser:
        answer = await browser.post("/enter", data={"link": f" http://127.0.0.1:8000/enter#{TOKEN} "})
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)
    assert answer.headers["set-cookie"].startswith("__Host-portal=")


async def test_requesting_the_enter_page_uses_no_link() -> None:
    async with Stage().browser(signed_in=False) as browser:
        answer = await browser.get("/enter")
    assert (answer.status_code, answer.headers["referrer-policy"]) == (200, "no-referrer")
    assert "set-cookie" not in answer.headers


async def test_a_cancellation_link_leads_to_the_only_subscription() -> None:
    async with Stage().browser() as browser:
        assert (await browser.get("/cancel")).headers["location"] == CANCEL
    async with Stage(scenes.view(scenes.subscription("canceled"))).browser() as browser:
        assert (await browser.get("/cancel")).headers["location"] == "/"


async def test_cancelling_shows_the_form_and_leads_to_the_result() -> None:
    stage = Stage()
    async with stage.browser() as browser:
        dialog = (await browser.get(CANCEL)).text
        form = {**FORM, "feedback": "too_expensive", "comment": " Volveré\r\nen junio "}
        answer = await browser.post(CANCEL, data=form)
    assert re.search('data-sheet="cancel"[^>]*>.*Premium Mensual.*</h1>', dialog)
    assert dialog.count('type="radio"') == 6
    assert (answer.status_code, answer.headers["location"]) == (303, f"{CANCEL}?after=subscription-{scenes.PREMIUM}:13")
    (command,) = stage.subscriptions.commands
    assert (command["feedback"], command["comment"], command["key"]) == ("too_expensive", "Volveré\nen junio", "once")


async def test_the_result_has_a_reference_and_offers_to_withdraw() -> None:
    async with Stage(scenes.view(scenes.ending())).browser() as browser:
        html = (await browser.get(f"{CANCEL}?after=subscription-{scenes.PREMIUM}:13")).text
    assert 'data-outcome="scheduled"' in html
    assert f"{scenes.PREMIUM[:8].upper()}-13" in html
    assert f'action="{KEEP}"' in html


@pytest.mark.parametrize(
    ("comment", "text", "length"),
    [
        ("x" * 501, "x" * 501, "501"),
        ("x" * 501 + " 4242424242424242", "x" * 501 + " ••••", "518"),
    ],
)
async def test_an_invalid_comment_is_shown_with_its_error_and_without_card_numbers(comment: str, text: str, length: str) -> None:
    stage = Stage()
    async with stage.browser() as browser:
        answer = await browser.post(CANCEL, data={**FORM, "feedback": "unused", "comment": comment})
    assert (answer.status_code, stage.subscriptions.commands) == (422, [])
    assert f">\n{text}</textarea>" in answer.text
    assert "4242" not in answer.text
    assert re.search(rf'id="comment-error">[^<]*500[^<]*{length}', answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert 'value="unused" checked' in answer.text
    assert 'value="once"' in answer.text


async def test_a_reason_that_is_not_listed_is_refused() -> None:
    async with Stage().browser() as browser:
        answer = await browser.post(CANCEL, data={**FORM, "feedback": "boredom"})
    assert (answer.status_code, 'id="feedback-error"' in answer.text) == (422, True)


async def test_after_a_temporary_failure_the_form_has_the_same_fields_and_key() -> None:
    stage = Stage()
    stage.subscriptions.refuses = Problem(503, "service_unavailable", "Away")
    async with stage.browser() as browser:
        answer = await browser.post(CANCEL, data={**FORM, "feedback": "unused", "comment": "Hasta pronto"})
    assert answer.status_code == 503
    for fragment in ("Hasta pronto", 'value="once"', 'value="unused" checked', 'data-code="service_unavailable"'):
        assert fragment in answer.text


async def test_a_refusal_of_the_rules_is_shown() -> None:
    stage = Stage()
    stage.subscriptions.refuses = Problem(409, "no_cancellation_to_withdraw", "Nothing to withdraw")
    async with stage.browser() as browser:
        answer = await browser.post(KEEP, data=FORM)
    assert (answer.status_code, 'data-code="no_cancellation_to_withdraw"' in answer.text) == (409, True)


async def test_withdrawing_leads_to_the_page_with_a_message() -> None:
    stage = Stage(scenes.view(scenes.ending()))
    async with stage.browser() as browser:
        answer = await browser.post(KEEP, data=FORM)
        untrue = await browser.get(answer.headers["location"])
        stage.views.shown = scenes.view()
        page = await browser.get(answer.headers["location"])
    assert answer.status_code == 303
    assert 'data-message="kept"' in page.text
    assert spanish(KEEP_CONFIRMATION) in page.text
    assert 'data-message="kept"' not in untrue.text


@pytest.mark.parametrize("path", [CANCEL, KEEP, "/logout", "/session/extend"])
async def test_a_form_of_another_session_changes_nothing(path: str) -> None:
    stage = Stage()
    async with stage.browser() as browser:
        foreign = await browser.post(path, data={"csrf": "csrf-of-someone"})
        bare = await browser.post(path)
    assert (foreign.status_code, bare.status_code) == (409, 403)
    assert 'data-code="session_changed"' in foreign.text
    assert (stage.subscriptions.commands, stage.access.ended) == ([], [])


async def test_a_form_of_another_site_is_refused() -> None:
    async with Stage().browser() as browser:
        assert (await browser.post(KEEP, data=FORM, headers={"sec-fetch-site": "cross-site"})).status_code == 403


async def test_another_customers_or_unknown_id_is_not_found() -> None:
    async with Stage().browser() as browser:
        for path in (f"/subscriptions/{scenes.CUSTOMER}/cancel", f"/invoices/{scenes.CUSTOMER}", "/export.exe", "/invoices/1"):
            answer = await browser.get(path)
            assert (answer.status_code, 'data-code="not_found"' in answer.text) == (404, True), path


@pytest.mark.parametrize(("choice", "revoked", "leads_to"), [("", False, "/ended"), ("yes", True, "/ended?link=revoked")])
async def test_logging_out_clears_the_browsers_data(choice: str, revoked: bool, leads_to: str) -> None:
    stage = Stage()
    async with stage.browser() as browser:
        answer = await browser.post("/logout", data={**FORM, "revoke_link": choice})
        page = (await browser.get(leads_to)).text
    assert (answer.status_code, answer.headers["location"], stage.access.ended) == (303, leads_to, [revoked])
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert ('data-code="link_revoked"' in page) is revoked


async def test_an_invoice_can_be_read_and_downloaded() -> None:
    async with Stage().browser() as browser:
        page, pdf = await browser.get(INVOICE), await browser.get(f"{INVOICE}.pdf")
        history = await browser.get("/export.csv")
    for words in ("TS-000014", "Premium Mensual", "IVA (16 %", "25.85 USD", "Ana García", f'href="{INVOICE}.pdf"'):
        assert words in page.text
    assert pdf.headers["content-disposition"] == 'attachment; filename="TS-000014.pdf"'
    assert (history.content, history.headers["content-type"]) == (b"fecha", "text/csv; charset=utf-8")


async def test_a_requested_language_is_stored() -> None:
    async with Stage().browser() as browser:
        first = await browser.get("/?lang=en")
        again = await browser.get("/", headers={"cookie": f"__Host-portal={COOKIE}; lang=en"})
    assert first.headers["set-cookie"].startswith("lang=en; ")
    for page in (first, again):
        assert '<html lang="en-US">' in page.text
        assert "June 14, 2023" in page.text


async def linked(browser: AsyncClient, html: str) -> list[str]:
    paths = re.findall(r'(?:href|src)="(/(?:static|theme)/[^"]+)"', html)
    for path in paths:
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript", "image/svg+xml")
    return paths


async def test_a_page_loads_only_own_files_that_are_cached_forever() -> None:
    async with Stage().browser() as browser:
        assert len(await linked(browser, (await browser.get("/")).text)) == 7
        assert (await browser.get("/static/00000000000000000000.js")).status_code == 404
        assert (await browser.get("/theme/ffffff-000000000000.css")).status_code == 404


async def test_styles_name_fonts_of_this_origin_that_never_move_text() -> None:
    async with Stage().browser() as browser:
        page = await browser.get("/")
        (styles,) = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
        css = (await browser.get(styles)).text
        faces = re.findall(r"@font-face \{(.*?)\}", css)
        fonts = [await browser.get(path) for path in re.findall(r"url\((.*?)\)", css)]
    assert len(fonts) == len(faces) == css.count('woff2")') == 2
    assert all("font-display: optional" in face for face in faces)
    for font in fonts:
        assert (font.status_code, font.headers["content-type"], font.content[:4]) == (200, "font/woff2", b"wOF2")
        assert "immutable" in font.headers["cache-control"]
        assert "content-encoding" not in font.headers
    assert "font-src 'self';" in page.headers["content-security-policy"]


def test_htmx_is_the_published_file() -> None:
    static = files("portal_gateway.adapters.page").joinpath("static")
    digest = sha256(static.joinpath("htmx.min.js").read_bytes()).hexdigest()
    assert f"sha256(htmx.min.js) = {digest}" in static.joinpath("README.md").read_text()


def test_over_https_responses_have_hsts() -> None:
    for origin, hsts in (("http://127.0.0.1:8000", None), ("https://portal.example", "max-age=31536000; includeSubDomains")):
        assert security_headers(origin, "https://cards.example").get("strict-transport-security") == hsts


def test_every_static_file_is_listed_in_the_readme() -> None:
    static = files("portal_gateway.adapters.page").joinpath("static")
    listed = re.findall(r"^\| `(.*?)` \| ..", static.joinpath("README.md").read_text(), re.MULTILINE)
    loaded = {file.name for file in static.iterdir() if file.name.endswith((".js", ".css", ".svg", ".woff2"))}
    assert (len(listed), set(listed)) == (len(loaded), loaded)


async def test_htmx_is_configured_as_designed_and_sends_the_sessions_token() -> None:
    async with Stage().browser() as browser:
        pages = [(await browser.get(path)).text for path in ("/", CANCEL, INVOICE, "/payment-method")]
    for html in pages:
        elements = Elements(html).tags
        (config,) = [json.loads(meta["content"] or "") for _, meta in elements if meta.get("name") == "htmx-config"]
        (body,) = [attributes for tag, attributes in elements if tag == "body"]
        in_the_slot = {"swap": True, "select": ".problem", "target": "closest [data-slot]", "swapOverride": "afterbegin"}
        assert config == config | {
            "historyCacheSize": 0,
            "refreshOnHistoryMiss": True,
            "includeIndicatorStyles": False,
            "allowEval": False,
            "ignoreTitle": True,
            "responseHandling": [
                {"code": "204", "swap": False},
                {"code": "401", "swap": False},
                {"code": "422", "swap": True},
                {"code": "[45]..", **in_the_slot},
                {"code": "...", "swap": True},
            ],
        }
        assert json.loads(body["hx-headers"] or "") == {"X-CSRF-Token": "csrf-of-ana"}


@pytest.mark.parametrize("path", [CANCEL, KEEP])
async def test_the_sessions_token_can_be_a_header(path: str) -> None:
    stage = Stage(scenes.view(scenes.ending()) if path == KEEP else None)
    async with stage.browser() as browser:
        answers = [await browser.post(path, headers={"x-csrf-token": token}) for token in ("csrf-of-ana", "csrf-of-someone")]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert len(stage.subscriptions.commands) == 1
