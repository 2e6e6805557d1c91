"""Both compose files give each container the settings of its program, and declare what they use."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from portalctl.certificates import host_names
from portalctl.demo.deployed import DeployedSystem
from portalctl.service_settings import SETTINGS
from portalctl.settings import Settings

FOLDER = Path(__file__).parents[3] / "deploy/compose"
BASE, OVERLAY = (yaml.safe_load((FOLDER / name).read_text()) for name in ("compose.yaml", "compose.tls.yaml"))
FILES: dict[str, list[dict[str, Any]]] = {"compose.yaml": [BASE], "compose.yaml and compose.tls.yaml": [BASE, OVERLAY]}
OF_IMAGES = {"HTTP_HOST", "HTTP_PORT", "ADMIN_HOST", "ADMIN_PORT", "CARDS_HTTP_HOST", "CARDS_HTTP_PORT"}
"""Set in the image."""

pytestmark = pytest.mark.parametrize("files", FILES.values(), ids=FILES.keys())


def environment(files: list[dict[str, Any]], service: str) -> dict[str, str]:
    parts = [file["services"].get(service, {}).get("environment", {}) for file in files]
    return {name: value for part in parts for name, value in part.items()}


def field_of(variable: str, fields: set[str]) -> str:
    """The setting that the variable sets, itself or with a file."""
    return variable if variable.lower() in fields else variable.removesuffix("_FILE")


@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_of_a_service_is_a_setting_and_every_required_setting_is_given(
    files: list[dict[str, Any]], service: str
) -> None:
    fields = SETTINGS[service].model_fields
    variables = {field_of(name, set(fields)).lower() for name in environment(files, service)}
    assert variables - fields.keys() == set()
    required = {name for name, field in fields.items() if field.is_required()}
    assert required - variables - {name.lower() for name in OF_IMAGES} == set()


@pytest.mark.parametrize("command", ["secrets", "certificates", "migrate", "topics", "kafka-users", "kafka-acls", "portalctl"])
def test_every_variable_of_a_command_is_a_setting(files: list[dict[str, Any]], command: str) -> None:
    fields = {*Settings.model_fields, *DeployedSystem.model_fields, "portal_folder"}
    assert {field_of(name, fields).lower() for name in environment(files, command)} - fields == set()


def test_every_volume_is_declared_and_every_dependency_exists(files: list[dict[str, Any]]) -> None:
    declared = {name for file in files for name in file["volumes"]}
    services = {name for file in files for name in file["services"]}
    for file in files:
        for service in file["services"].values():
            sources = {volume.rpartition(":/")[0].rpartition(":-")[2].rstrip("}") for volume in service.get("volumes", ())}
            assert sources <= declared
            assert service.get("depends_on", {}).keys() <= services


def test_every_reader_of_certificates_has_a_volume(files: list[dict[str, Any]]) -> None:
    if OVERLAY in files:
        mounted = {volume.rpartition("/")[2] for volume in OVERLAY["services"]["certificates"]["volumes"]}
        assert mounted == {*host_names("https://portal.example", "https://cards.example"), "authority", "state"}
