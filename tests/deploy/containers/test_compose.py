"""The compose file starts the whole system from images: two gateways behind a proxy, with the demo's history."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from support.browsing import chrome, watched_page
from support.containers.images import SERVICES, Images
from support.containers.system import System, running_system
from support.portal_page.page_objects import Visitor

pytestmark = pytest.mark.timeout(1500)
"""The first test builds the images, starts everything and creates the history."""


@pytest.fixture(scope="module")
def system(images: Images) -> Iterator[System]:
    with running_system(images) as system:
        yield system


@pytest.fixture(scope="module")
def demo(system: System) -> dict[str, Any]:
    """The created data, as `demo --json` prints it."""
    created: dict[str, Any] = json.loads(system.portalctl("demo", "--against", "-", "--yes", "--json").stdout)
    return created


def test_services_run_unprivileged_with_a_read_only_file_system(system: System) -> None:
    for name, container in system.containers().items():
        if name not in ("kafka", "postgres"):
            limits = container["HostConfig"]
            assert (container["Config"]["User"], limits["ReadonlyRootfs"], limits["CapDrop"]) == ("65532:65532", True, ["ALL"]), (
                name
            )
            assert limits["SecurityOpt"] == ["no-new-privileges:true"], name
            assert limits["LogConfig"]["Config"]["max-size"], name


def test_no_container_has_a_secret_in_its_environment(system: System) -> None:
    for name, container in system.containers().items():
        secret = [one for one in container["Config"]["Env"] if any(part in one for part in ("PASSWORD=", "KEY=", "PEPPER="))]
        assert secret == [], name


async def test_the_page_of_the_demo_opens_in_a_browser(system: System, demo: dict[str, Any]) -> None:
    assert demo["portal_url"].startswith(system.portal_url)
    async with chrome() as browser, watched_page(browser, lambda message: message.type == "error") as page:
        portal = await Visitor(page, demo["portal_url"]).enter()
        await expect(portal.summary).to_contain_text("29.99 USD")
        await expect(portal.subscription).to_contain_text("14 de junio de 2023")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(12)


def test_the_invariants_hold(system: System, demo: dict[str, Any]) -> None:
    assert demo["customers"]
    assert "✗" not in system.portalctl("verify").stdout


def test_a_stopped_service_ends_with_code_0(system: System, demo: dict[str, Any]) -> None:
    """Last, because the others need the services."""
    assert demo["customers"]
    system.compose("stop", "--timeout", "30", *SERVICES)
    assert {name: system.containers()[name]["State"]["ExitCode"] for name in SERVICES} == dict.fromkeys(SERVICES, 0)
