"""A fake of the cards on file: the page's commands change the view as the events would."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.http.problems import Problem, not_found
from payments.adapters.sandbox.cards import TEST_CARDS
from portal_gateway.application.presentation.cards_on_file import saved
from portal_gateway.application.requests import BackupConsent
from portal_gateway.application.results import Accepted, CardAdded, RemovalPreview
from portal_gateway.domain.access import Session
from portal_gateway.domain.view import SavedMethod
from support.portal_page import scenes

if TYPE_CHECKING:
    from browser.live_payments import LiveCards
    from browser.live_stage import LiveStage


class LiveWallet:
    stage: "LiveStage"
    cards: "LiveCards"

    async def add_card(self, session: Session, setup_id: UUID, token: str, key: str | None) -> CardAdded:
        of, entry = self.cards.tokens.get(token, (None, None))
        if setup_id not in self.cards.setups or of != setup_id or entry is None:
            raise not_found()
        if refusal := TEST_CARDS[entry.number].on_setup:
            raise Problem(402, refusal.value, "Refused")
        del self.cards.setups[setup_id]
        expiry: dict[str, Any] = {"exp_month": entry.exp_month, "exp_year": entry.exp_year}
        card = scenes.saved(entry.number[-4:], brand=entry.brand.value, **expiry)
        accepted = self._keep([*self.methods, card])
        return {
            **accepted,
            "id": card["id"],
            "brand": card["brand"],
            "last4": card["last4"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "is_default": False,
        }

    async def make_default(self, session: Session, method_id: UUID, key: str | None) -> Accepted:
        return self._roles({str(method_id): "default"}, stays="backup")

    async def choose_backup(self, session: Session, method_id: UUID, consent: BackupConsent, key: str | None) -> Accepted:
        return self._roles({str(method_id): "backup"}, stays="default")

    async def withdraw_backup(self, session: Session, method_id: UUID, key: str | None) -> Accepted:
        return self._roles({}, stays="default")

    async def removal_preview(self, session: Session, method_id: UUID) -> RemovalPreview:
        method = next((it for it in self.methods if it["id"] == str(method_id)), None)
        if method is None:
            raise not_found()
        roles = {"is_default": method["role"] == "default", "is_backup": method["role"] == "backup"}
        left = [it for it in self.methods if it is not method]
        facts: Any = {"payment_method": {**method, **roles}, "allowed": bool(left), "next_default": left[0] if left else None}
        preview: RemovalPreview = facts
        return preview

    async def remove_card(self, session: Session, method_id: UUID, next_default: UUID | None, key: str | None) -> Accepted:
        left = [it for it in self.methods if it["id"] != str(method_id)]
        if all(it["role"] != "default" for it in left):
            left = [{**left[0], "role": "default"}, *left[1:]]
        return self._keep(left)

    @property
    def methods(self) -> list[SavedMethod]:
        return saved(self.stage.views.shown)

    def _roles(self, roles: dict[str, Any], *, stays: str) -> Accepted:
        """The cards with these roles; of the others only the role `stays` remains."""
        methods: list[SavedMethod] = [
            {**it, "role": roles.get(it["id"]) or (it["role"] if it["role"] == stays else None)} for it in self.methods
        ]
        return self._keep(sorted(methods, key=lambda it: ("default", "backup", None).index(it["role"])))

    def _keep(self, methods: list[SavedMethod]) -> Accepted:
        default: Any = {name: methods[0][name] for name in ("id", "brand", "last4", "exp_month", "exp_year")}
        self.stage.change(payment_methods=methods, payment_method={**default, "version": 2})
        return {"aggregate": f"wallet-{scenes.CUSTOMER}", "version": 2}
