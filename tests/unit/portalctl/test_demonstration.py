"""The demo's links lead to the stack that shows them."""

from portalctl.demo.command import links_here

HERE = "http://127.0.0.1:20080"


def state(address: str) -> dict[str, object]:
    return {
        "urls": {"portal-gateway": HERE},
        "portal_url": f"{address}/enter#id.secret",
        "invoice_url": f"{address}/enter?invoice#id.secret",
        "customers": {"ana": {"id": "c1", "portal_url": f"{address}/enter#id.secret"}, "new": {"id": "c2"}},
    }


def test_links_are_changed_to_this_address() -> None:
    moved = links_here(state("http://127.0.0.1:29999"))
    assert moved["portal_url"] == f"{HERE}/enter#id.secret"
    assert moved["invoice_url"] == f"{HERE}/enter?invoice#id.secret"
    assert moved["customers"] == {"ana": {"id": "c1", "portal_url": f"{HERE}/enter#id.secret"}, "new": {"id": "c2"}}


def test_links_of_this_address_stay() -> None:
    assert links_here(state(HERE)) == {}
