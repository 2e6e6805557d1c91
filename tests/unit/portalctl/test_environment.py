"""The local stack gives each service its settings."""

from pathlib import Path

import pytest

from chassis.kafka_access import KafkaAccess
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, Layout, layout_for_start
from portalctl.local.services import SERVICES
from portalctl.service_settings import SETTINGS
from portalctl.settings import Settings

NOWHERE = ExternalServers()


def layout(folder: Path, external: ExternalServers = NOWHERE) -> Layout:
    portal_folder = Folder(folder / ".portal")
    portal_folder.make()
    return layout_for_start(portal_folder, SERVICES, external)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_gets_every_required_setting(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = next(service for service in layout(tmp_path).services if service.name == name)
    for variable, value in service.environment.items():
        monkeypatch.setenv(variable, value)
    settings = SETTINGS[name]()  # type: ignore[call-arg]  # from the environment
    assert (settings.http_port, settings.admin_host, settings.admin_port) == (service.port, "127.0.0.1", service.admin_port)
    assert settings.environment == "local"
    unknown = {variable.lower() for variable in service.environment} - set(type(settings).model_fields)
    assert unknown == set()


def test_a_running_service_does_not_get_the_url_of_its_tables_owner(tmp_path: Path) -> None:
    for service in layout(tmp_path).services:
        owner_url = service.environment["DATABASE_OWNER_URL"]
        assert owner_url not in service.program().environment.values()
        assert owner_url not in service.secrets.values()


def test_the_portal_and_the_card_page_are_two_hosts(tmp_path: Path) -> None:
    urls = layout(tmp_path).state()["urls"]
    assert urls["portal-gateway"].startswith("http://127.0.0.1:")
    assert urls["cards"].startswith("http://localhost:")


def test_probes_and_metrics_have_a_separate_address(tmp_path: Path) -> None:
    state = layout(tmp_path).state()
    assert set(state["admin_urls"]) == {kind.name for kind in SERVICES}
    assert all(url.startswith("http://127.0.0.1:") for url in state["admin_urls"].values())
    assert not set(state["admin_urls"].values()) & set(state["urls"].values())
    assert set(state["urls"]) == {kind.name for kind in SERVICES} | {"cards", "events"}


def test_services_use_external_servers(tmp_path: Path) -> None:
    external = ExternalServers(
        kafka=KafkaAccess("broker:9092"), postgres="postgresql://admin:secret@db:5432/postgres?sslmode=require"
    )
    (service, *_) = layout(tmp_path, external).services
    assert service.environment["KAFKA_BOOTSTRAP_SERVERS"] == "broker:9092"
    assert service.environment["DATABASE_URL"].startswith("postgresql://subscriptions:")
    assert service.environment["DATABASE_URL"].endswith("@db:5432/subscriptions?sslmode=require")
    assert set(layout(tmp_path, external).state()["logs"]) == {kind.name for kind in SERVICES} | {"events"}


def test_services_reach_an_external_kafka_as_portalctl_does(tmp_path: Path) -> None:
    access = KafkaAccess("broker:9093", "SASL_PLAINTEXT", username="portal", password="secret")
    (service, *_) = layout(tmp_path, ExternalServers(kafka=access)).services
    kafka = {name: value for name, value in service.environment.items() if name.startswith("KAFKA_")}
    assert kafka == {
        "KAFKA_BOOTSTRAP_SERVERS": "broker:9093",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "KAFKA_USERNAME": "portal",
        "KAFKA_PASSWORD": "secret",
    }


def test_empty_variables_name_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
    assert ExternalServers.of(Settings()) == ExternalServers()
