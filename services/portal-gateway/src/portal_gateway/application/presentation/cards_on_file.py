"""The cards on file."""

from portal_gateway.application.view import View
from portal_gateway.domain.view import CardFace, SavedMethod


def saved(view: View) -> list[SavedMethod]:
    """The cards on file: the default first, then the backup, then the latest first."""
    listed = view.facts.get("payment_methods")
    if listed is not None:
        return listed
    card = view.facts["payment_method"]  # a view that an earlier version composed
    face = {name: card[name] for name in ("id", "brand", "last4", "exp_month", "exp_year")} if card else {}
    return [{**face, "role": "default"}] if card else []  # type: ignore[typeddict-item]


def same_face(one: CardFace, other: CardFace) -> bool:
    return (one["brand"], one["last4"]) == (other["brand"], other["last4"])
