"""The running stack serves the description of the events to a browser."""

from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx
import pytest

from billing_contracts.registry import EVENTS, TOPICS
from portalctl.local.state import read_state
from support.local_stack import local_stack


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses |= {value for name, value in attrs if name == "href" and value and not value.startswith("#")}


def test_the_page_of_the_events_is_served_with_working_links(elsewhere: dict[str, str]) -> None:
    with local_stack() as stack:
        assert stack.up(environment=elsewhere).returncode == 0
        address = read_state(stack.folder)["urls"]["events"]
        page = httpx.get(address, trust_env=False)
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert [name for name in (*EVENTS, *TOPICS) if name not in page.text] == []

        links = Links()
        links.feed(page.text)
        answers = {link: httpx.head(urljoin(address, link), trust_env=False).status_code for link in links.addresses}
        assert {link: status for link, status in answers.items() if status != 200} == {}

        assert stack.portalctl("down").returncode == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, trust_env=False)
