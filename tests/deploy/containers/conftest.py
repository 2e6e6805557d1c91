"""One Docker daemon and one build of the images for all tests of this folder."""

from collections.abc import Iterator

import pytest

from support.containers.daemon import docker_host
from support.containers.images import Images


@pytest.fixture(scope="session")
def images() -> Iterator[Images]:
    with docker_host() as host:
        if host is None:
            pytest.skip("no Docker daemon can be started here")
        images = Images(host)
        images.build_all()
        yield images
