"""deploy/compose/compose.yaml gives each service the settings that it has, and all that it needs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from portalctl.demo.deployed import DeployedSystem
from portalctl.local.folder import Folder
from portalctl.secret_files import write_secrets
from portalctl.service_settings import SETTINGS
from portalctl.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[3] / "deploy/compose/compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OF_IMAGE = {"HTTP_PORT", "CARDS_HTTP_PORT"}
"""Required settings that the image has."""
COMMANDS = ("secrets", "migrate", "topics", "portalctl")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What `portalctl secrets` writes, as `<reader>/<NAME>`."""
    folder = tmp_path_factory.mktemp("secrets")
    list(write_secrets(Folder(folder / "state"), folder / "files", "postgres:5432"))
    return {path.relative_to(folder / "files").as_posix() for path in (folder / "files").rglob("*") if path.is_file()}


def named(environment: dict[str, str]) -> set[str]:
    """The settings, whether they are values or files."""
    return {name.removesuffix("_FILE") for name in environment}


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_has_every_required_setting_and_no_unknown_one(service: str) -> None:
    fields = SETTINGS[service].model_fields
    settings = named(SERVICES[service]["environment"])
    assert settings <= {name.upper() for name in fields}
    assert {name.upper() for name, field in fields.items() if field.is_required()} <= settings | OF_IMAGE
    assert {"INSTANCE", "ENVIRONMENT"} <= settings


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_finds_its_secrets_in_its_own_volume_only(service: str, files: set[str]) -> None:
    paths = [value for name, value in SERVICES[service]["environment"].items() if name.endswith("_FILE")]
    assert {path.replace("/portal/own/", f"{service}/") for path in paths} == {
        name for name in files if name.startswith(f"{service}/")
    }
    assert SERVICES[service]["volumes"] == [f"of-{service}:/portal/own:ro"]


def test_the_commands_have_settings_of_portalctl(files: set[str]) -> None:
    for command in COMMANDS:
        environment = SERVICES[command]["environment"]
        fields = {*Settings.model_fields, *(DeployedSystem.model_fields if command == "portalctl" else ())}
        assert named(environment) - {"PORTAL_FOLDER"} <= {name.upper() for name in fields}
        paths = {value.removeprefix("/portal/") for name, value in environment.items() if name.endswith("_FILE")}
        assert paths <= files


@pytest.mark.parametrize("name", [*SETTINGS, *COMMANDS])
def test_a_container_of_ours_can_change_nothing_but_its_volumes(name: str) -> None:
    container = SERVICES[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["logging"]["options"]["max-size"]


def test_ports_are_open_on_loopback_only() -> None:
    ports = [port for container in SERVICES.values() for port in container.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
