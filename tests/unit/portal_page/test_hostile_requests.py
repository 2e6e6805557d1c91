"""Any request to a page gets a sentence as answer and changes nothing unintended."""

import asyncio
import re
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from chassis.http.problems import Problem
from portal_gateway.application.presentation.problems import CARD_TAKEN_OUT, UNREADABLE
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.sentences import spanish
from support.property_tests import examples

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
KEEP = f"/subscriptions/{scenes.PREMIUM}/keep"
OTHER = str(scenes.CUSTOMER)
MARK = "\"'><i data-hostile>"
KINDS = ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "nonsense"]
HALF_A_FORM = b"--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\n"
FORM = {"csrf": "csrf-of-ana", "idempotency_key": "once"}

texts = st.one_of(st.text(max_size=40), st.text(max_size=40).map(lambda text: MARK + text), st.just("a" * 10_000))
names = st.sampled_from(["subscription", "year", "status", "cursor", "lang", "after", "said", "link", "continue", "x"])
queries = st.dictionaries(names, texts, max_size=5)
segments = st.one_of(texts, st.sampled_from([scenes.PREMIUM, scenes.invoice_id(14), OTHER, "..", "%2e%2e", "1"]))
paths = st.one_of(
    st.sampled_from(
        ["/", "/cancel", "/payment-method", "/enter", "/ended", "/export.csv", CANCEL, KEEP, f"/invoices/{OTHER}.pdf"]
    ),
    segments.map(lambda part: f"/invoices/{quote(part, safe='')}"),
    segments.map(lambda part: f"/subscriptions/{quote(part, safe='')}/cancel"),
    segments.map(lambda part: f"/{quote(part, safe='')}"),
)
fields = st.dictionaries(st.sampled_from(["feedback", "comment", "link", "revoke_link", "idempotency_key", "csrf", "x"]), texts)


@cache
def staged() -> tuple[Stage, ASGIApp]:
    stage = Stage(scenes.owing())
    return stage, stage.app()


def ask(method: str, path: str, **more: Any) -> tuple[Stage, Response]:
    stage, app = staged()
    stage.subscriptions.commands.clear()
    stage.access.ended.clear()

    async def response() -> Response:
        async with stage.browser(app=app) as browser:
            return await browser.request(method, path, **more)

    return stage, asyncio.run(response())


def assert_harmless(answer: Response) -> None:
    assert answer.status_code < 500, answer.text
    assert b"<i data-hostile>" not in answer.content
    assert not any(MARK in value for value in answer.headers.values())


@settings(max_examples=examples(60))
@given(path=paths, query=queries)
def test_any_address_is_answered(path: str, query: dict[str, str]) -> None:
    stage, answer = ask("GET", path, params=query)
    assert_harmless(answer)
    assert (stage.subscriptions.commands, stage.access.ended) == ([], [])


@settings(max_examples=examples(60))
@given(path=st.sampled_from([CANCEL, KEEP, "/enter", "/logout", "/session/extend", "/"]), form=fields, mine=st.booleans())
def test_any_form_is_answered(path: str, form: dict[str, str], mine: bool) -> None:
    stage, answer = ask("POST", path, data={**form, **({"csrf": "csrf-of-ana"} if mine else {})})
    assert_harmless(answer)
    if not mine:
        assert (stage.subscriptions.commands, stage.access.ended) == ([], [])


@settings(max_examples=examples(30))
@given(
    path=st.sampled_from([CANCEL, KEEP, "/enter", "/logout"]),
    kind=st.sampled_from(KINDS),
    body=st.one_of(st.binary(max_size=200), st.just(HALF_A_FORM), st.just(b"[" * 5000)),
)
def test_any_other_body_is_answered(path: str, kind: str, body: bytes) -> None:
    stage, answer = ask("POST", path, content=body, headers={"content-type": kind})
    assert_harmless(answer)
    assert answer.status_code in (400, 401, 403, 409, 415, 422)
    assert (stage.subscriptions.commands, stage.access.ended) == ([], [])


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"year": "abc"}, 'id="filter-year-error"'),
        ({"year": "٢٠٢٣"}, 'id="filter-year-error"'),
        ({"year": "1e309"}, 'id="filter-year-error"'),
        ({"status": "boredom"}, 'id="filter-status-error"'),
        ({"cursor": "AAAA"}, 'data-code="invalid_cursor"'),
    ],
)
def test_an_invalid_filter_is_reported_beside_its_field_and_the_page_is_shown(query: dict[str, str], where: str) -> None:
    _, answer = ask("GET", "/", params=query)
    assert answer.status_code == 422
    (sentence,) = re.findall(f"{where}>(?:<p>)?([^<]+)", answer.text)
    assert "TS-000014" in answer.text
    assert ("aria-invalid" in answer.text) is ("cursor" not in query)
    _, english = ask("GET", "/", params={**query, "lang": "en"})
    assert english.status_code == 422
    assert sentence not in english.text


def test_a_year_without_invoices_stays_chosen_in_the_filter() -> None:
    _, answer = ask("GET", "/", params={"year": "1999"})
    assert answer.status_code == 200
    assert "<option selected>1999</option>" in answer.text
    assert 'data-empty="filtered"' in answer.text


@pytest.mark.parametrize("id", [OTHER, "nonsense", "ñandú"])
def test_an_unknown_subscription_is_not_found_and_another_is_shown(id: str) -> None:
    _, answer = ask("GET", "/", params={"subscription": id})
    assert answer.status_code == 404
    assert 'data-message="unknown_subscription"' in answer.text
    assert "Premium Mensual" in answer.text
    assert id not in answer.text


@pytest.mark.parametrize("query", [{"lang": "xx"}, {"lang": "en\r\nx: y"}, {"after": "subscription-1:2"}, {"said": "<b>"}])
def test_invalid_parameters_are_ignored(query: dict[str, str]) -> None:
    _, answer = ask("GET", "/", params=query)
    assert answer.status_code == 200
    assert 'data-status="past_due"' in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "comment", ["<script>alert(1)</script>", "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "\N{FAMILY}" * 200, "x" * 10_000, "a\x00b"]
)
def test_a_comment_is_sent_as_typed_or_refused_beside_its_field(comment: str) -> None:
    stage, answer = ask("POST", CANCEL, data={**FORM, "feedback": "boredom", "comment": comment})
    assert answer.status_code == 422
    assert 'id="feedback-error">' in answer.text
    assert ("comment-error" in answer.text) is (len(comment) > 500)
    assert "<script>alert" not in answer.text
    assert stage.subscriptions.commands == []


BAD_COMMENT = Problem(422, "invalid_request", "Invalid", errors=[{"pointer": "/comment", "detail": "control character"}])


@pytest.mark.parametrize(
    ("refusal", "where", "same_key"),
    [
        (BAD_COMMENT, 'id="comment-error"', True),
        (Problem(422, "card_number_refused", "Refused"), f'id="comment-error">{spanish(CARD_TAKEN_OUT)}', True),
        (Problem(422, "idempotency_key_reused", "Reused"), 'data-code="idempotency_key_reused"', False),
    ],
)
def test_a_refusal_of_the_service_is_shown_in_the_form(refusal: Problem, where: str, same_key: bool) -> None:
    stage, _ = staged()
    stage.subscriptions.refuses = refusal
    _, answer = ask("POST", CANCEL, data={**FORM, "feedback": "unused", "comment": "Hasta\x07 pronto"})
    stage.subscriptions.refuses = None
    assert answer.status_code == 422
    for fragment in (where, "Hasta\x07 pronto</textarea>", 'value="unused" checked'):
        assert fragment in answer.text
    assert ('value="once"' in answer.text) is same_key


@pytest.mark.parametrize("key", ["two\r\nlines", "ñandú", "a b", "x" * 201, ""])
def test_an_invalid_idempotency_key_is_ignored(key: str) -> None:
    stage, answer = ask("POST", CANCEL, data={**FORM, "idempotency_key": key})
    assert answer.status_code == 303
    assert [command["key"] for command in stage.subscriptions.commands] == [None]


def test_a_too_large_form_is_refused() -> None:
    stage, answer = ask("POST", CANCEL, data={**FORM, "comment": "x" * 3_000_000})
    assert answer.status_code in (400, 413)
    assert spanish(UNREADABLE) in answer.text
    assert stage.subscriptions.commands == []


def test_an_unexpected_problem_has_a_reference() -> None:
    async def response() -> Response:
        stage = Stage()
        stage.views.visit = None  # type: ignore[method-assign,assignment]
        async with stage.browser() as browser:
            return await browser.get("/")

    answer = asyncio.run(response())
    assert answer.status_code == 500
    assert 'data-code="internal_error"' in answer.text
    assert "data-reference" in answer.text
