"""One Docker daemon and one build of the images for this folder. Without a daemon its tests are skipped, with the reason."""

from collections.abc import Iterator

import pytest

from support.containers.daemon import NoDaemon, docker_host
from support.containers.images import Images

REASON = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> Iterator[Images]:
    try:
        with docker_host() as host:
            images = Images(host)
            images.build_all()
            yield images
    except NoDaemon as reason:
        request.config.stash[REASON] = str(reason)
        pytest.skip(str(reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if reason := config.stash.get(REASON, ""):
        terminalreporter.line(f"The tests in containers did not run: {reason}")
