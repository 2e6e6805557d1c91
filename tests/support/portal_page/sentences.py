"""The page's own sentences in Spanish, for tests that compare an announcement with the product's sentence."""

from portal_gateway.application.presentation.language import catalogues


def spanish(sentence: str, **values: object) -> str:
    """The translation of a message id that the product exports as a constant."""
    return catalogues().language("es").say(sentence, **values)
