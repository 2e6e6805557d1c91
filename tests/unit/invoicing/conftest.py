from collections.abc import Iterator

import pytest
from unit.invoicing.documents import logos

from invoicing.adapters.document.renderer import Renderer


@pytest.fixture(scope="session")
def render() -> Iterator[Renderer]:
    renderer = Renderer(concurrency=2, logos=logos)
    yield renderer
    renderer.close()
