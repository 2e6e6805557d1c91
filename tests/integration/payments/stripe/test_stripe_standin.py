"""The checks of the stand-in for Stripe see what Stripe's own document does not allow."""

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest

from payments.adapters.stripe.account import API_VERSION
from support.stripe import documents
from support.stripe.checks import answer_problems, nested, request_problems
from support.stripe.documents import NoDocuments, fixtures, spec

HEADERS = {"stripe-version": API_VERSION}


def test_the_library_the_documents_and_the_adapter_have_one_version() -> None:
    import stripe

    assert API_VERSION == spec()["info"]["version"] == stripe.api_version


@pytest.mark.parametrize(
    ("method", "path", "text"),
    [
        ("POST", "/v1/payment_intents/pi_1/cancel", "cancellation_reason=void_invoice"),
        ("POST", "/v1/payment_intents", "currency=usd"),
        ("POST", "/v1/payment_intents", "amount=29.99&currency=usd"),
        ("POST", "/v1/payment_intents", "amount=2999&currency=usd&amonut=1"),
        ("POST", "/v1/payment_intents", "amount=2999&currency=usd&payment_method_types=card"),
        ("POST", "/v1/payment_intents/pi_1/confirm", "off_session=maybe"),
        ("POST", "/v1/setup_intents", "usage=sometimes"),
        ("POST", "/v1/refunds", "reason=regret"),
        ("GET", "/v1/refunds", "payment_intents=pi_1"),
        ("GET", "/v1/refunds", "limit=many"),
        ("POST", "/v1/payment_intent", ""),
        ("DELETE", "/v1/payment_intents/pi_1", ""),
    ],
)
def test_a_wrong_request_is_seen(method: str, path: str, text: str) -> None:
    assert list(request_problems(method, path, HEADERS, text))


def test_a_request_of_another_version_is_seen() -> None:
    assert list(request_problems("GET", "/v1/payment_intents/pi_1", {"stripe-version": "2026-10-28.endive"}, ""))
    assert not list(request_problems("GET", "/v1/payment_intents/pi_1", HEADERS, ""))


@pytest.mark.parametrize(
    "change",
    [{"status": "paid"}, {"amount": "2999"}, {"livemode": None}, {"amount": ...}, {"amount_received": ...}, {"paid": True}],
    ids=["unknown status", "text", "no mode", "no amount", "no received amount", "unknown field"],
)
def test_a_wrong_answer_is_seen(change: dict[str, Any]) -> None:
    intent = copy.deepcopy(fixtures()["payment_intent"])
    assert not list(answer_problems("GET", "/v1/payment_intents/pi_1", 200, intent))
    for name, value in change.items():
        intent.pop(name, None)
        if value is not ...:
            intent[name] = value
    assert list(answer_problems("GET", "/v1/payment_intents/pi_1", 200, intent))
    in_list = {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": [intent]}
    assert list(answer_problems("GET", "/v1/payment_intents", 200, in_list))
    in_error = {"error": {"type": "card_error", "payment_intent": intent}}
    assert list(answer_problems("POST", "/v1/payment_intents/pi_1/confirm", 402, in_error))


def test_a_wrong_error_is_seen() -> None:
    assert list(answer_problems("GET", "/v1/payment_intents/pi_1", 402, {"error": {"type": "bad_luck"}}))
    assert list(answer_problems("GET", "/v1/payment_intents/pi_1", 402, {"message": "no"}))


def test_a_form_is_read_like_stripe_reads_it() -> None:
    assert nested("a=1&metadata[x]=y&expand[0]=p&expand[1]=q&types[]=t&types[]=u") == {
        "a": "1",
        "metadata": {"x": "y"},
        "expand": ["p", "q"],
        "types": ["t", "u"],
    }


def test_altered_documents_are_fetched_again(tmp_path: Path) -> None:
    for name in documents.SHA256:
        shutil.copy(documents.fetched() / name, tmp_path / name)
    (tmp_path / "spec3.json").write_text("{}")
    assert documents.fetched(tmp_path) == tmp_path
    assert (tmp_path / "spec3.json").stat().st_size > 1_000_000


def test_documents_of_another_source_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(documents.SHA256, "spec3.json", "0" * 64)
    with pytest.raises(NoDocuments, match="do not use this source"):
        documents.fetched(tmp_path)
