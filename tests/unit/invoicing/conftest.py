from collections.abc import Iterator

import pytest

from invoicing.adapters.document.renderer import Renderer
from support.invoicing.pdf_documents import logos


@pytest.fixture(scope="session")
def render() -> Iterator[Renderer]:
    renderer = Renderer(concurrency=2, logos=logos)
    yield renderer
    renderer.close()
