"""The previous release, for the tests that run it."""

from collections.abc import Iterator

import pytest

from support.cluster.release import NoRelease, Release, previous_release


@pytest.fixture(scope="session")
def previous() -> Iterator[Release | NoRelease]:
    """The previous release, or why it cannot be had."""
    try:
        with previous_release() as release:
            yield release
    except NoRelease as error:
        yield error
