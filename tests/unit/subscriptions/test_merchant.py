from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.eventsourcing.decider import Decider
from subscriptions.domain.dunning import Policies
from subscriptions.domain.invoice_series import series_of
from subscriptions.domain.merchant.commands import Command, IssueKey, Reconfigure, Register, RevokeKey, SetClock
from subscriptions.domain.merchant.events import ApiKey, ClockSet, Event, KeyIssued, KeyRevoked, Reconfigured, Registered
from subscriptions.domain.merchant.merchant import ACTIVE_KEYS_MAX, REVOKED_KEYS_MAX, Merchant, decide, evolve
from subscriptions.domain.merchant.profile import (
    Branding,
    BrandingPatch,
    LegalIdentity,
    MerchantProfile,
    PoliciesPatch,
    ProfilePatch,
)
from subscriptions.domain.merchant.refusals import (
    AlreadyRegistered,
    ClockRunsForward,
    LastKey,
    NoSuchKey,
    NoSuchMerchant,
    NotASandbox,
    TooManyKeys,
)
from subscriptions.domain.plan.terms import Tax
from support.spec import Scenario

RULES: Decider[Command, Event, Merchant] = Decider(decide, evolve)
WALL, THEN = datetime(2026, 1, 1, tzinfo=UTC), datetime(2020, 6, 14, tzinfo=UTC)
LEGAL = LegalIdentity("TechSolutions Inc.", "1 Main Street")
PROFILE = MerchantProfile("TechSolutions", LEGAL, "es-MX", "America/Mexico_City", Branding(), Policies())
KEY, OTHER = ApiKey("a", "0" * 64), ApiKey("b", "1" * 64)
OFFSET = (THEN - WALL).total_seconds()
REGISTERED = Registered(PROFILE, "TS", True, KEY, OFFSET, THEN)
LIVE = replace(REGISTERED, sandbox=False, clock_offset_seconds=0, at=WALL)


def given(*past: Event) -> Scenario[Command, Event, Merchant]:
    return Scenario(RULES, past)


def test_a_sandbox_may_begin_in_the_past() -> None:
    register = Register(PROFILE, "TS", True, KEY, WALL, clock_starts_at=THEN)
    given().when(register).then(REGISTERED)
    given(REGISTERED).when(register).refused(AlreadyRegistered)
    given().when(replace(register, sandbox=False)).refused(NotASandbox)
    given().when(replace(register, sandbox=False, clock_starts_at=None)).then(LIVE)


def test_the_clock_only_runs_forward() -> None:
    later = THEN + timedelta(days=30)
    given(REGISTERED).when(SetClock(later, WALL)).then(ClockSet((later - WALL).total_seconds(), later))
    given(REGISTERED).when(SetClock(THEN - timedelta(seconds=1), WALL)).refused(ClockRunsForward)
    given(LIVE).when(SetClock(later, WALL)).refused(NotASandbox)


RENAMING = Reconfigure(ProfilePatch(name="TechSolutions México"), THEN)


def renamed(profile: MerchantProfile) -> MerchantProfile:
    return replace(profile, name="TechSolutions México")


def test_a_patch_that_changes_nothing_gives_no_event() -> None:
    event = Reconfigured(renamed(PROFILE), THEN)
    given(REGISTERED).when(RENAMING).then(event)
    given(REGISTERED, event).when(RENAMING).then()
    given(REGISTERED).when(Reconfigure(ProfilePatch(), THEN)).then()
    given().when(RENAMING).refused(NoSuchMerchant)


def test_a_patch_keeps_what_another_request_has_changed() -> None:
    moved = replace(PROFILE, time_zone="Europe/Madrid")
    given(REGISTERED, Reconfigured(moved, THEN)).when(RENAMING).then(Reconfigured(renamed(moved), THEN))


def test_a_patch_merges_branding_and_policies_field_by_field() -> None:
    branded = replace(PROFILE, branding=Branding(colour="#112233", contact_email="ana@example.com"), tax=Tax("IVA", 2100))
    patch = ProfilePatch(branding=BrandingPatch(contact_email=None), policies=PoliciesPatch(retry_days=(2,)))
    expected = replace(branded, branding=Branding(colour="#112233"), policies=Policies(retry_days=(2,)))
    given(replace(REGISTERED, profile=branded)).when(Reconfigure(patch, THEN)).then(Reconfigured(expected, THEN))


def test_a_patch_removes_the_tax_only_when_it_names_it() -> None:
    taxed = replace(REGISTERED, profile=replace(PROFILE, tax=Tax("IVA", 2100)))
    given(taxed).when(Reconfigure(ProfilePatch(tax=None), THEN)).then(Reconfigured(PROFILE, THEN))


def test_keys_are_rotated_and_the_last_one_stays() -> None:
    given(REGISTERED).when(IssueKey(OTHER, THEN)).then(KeyIssued(OTHER, THEN))
    given(REGISTERED).when(RevokeKey("a", THEN)).refused(LastKey)
    rotated = (REGISTERED, KeyIssued(OTHER, THEN))
    given(*rotated).when(RevokeKey("a", THEN)).then(KeyRevoked("a", THEN))
    given(*rotated, KeyRevoked("a", THEN)).when(RevokeKey("a", THEN)).then()
    given(*rotated).when(RevokeKey("c", THEN)).refused(NoSuchKey)
    state = RULES.fold((*rotated, KeyRevoked("a", THEN)))
    assert state
    assert [(key.id, key.revoked) for key in state.keys] == [("a", True), ("b", False)]


def key(number: int) -> ApiKey:
    return ApiKey(f"key_{number}", f"{number:064x}")


def test_the_same_key_is_issued_once() -> None:
    given(REGISTERED, KeyIssued(OTHER, THEN)).when(IssueKey(OTHER, THEN)).then()
    given(REGISTERED, KeyIssued(OTHER, THEN), KeyRevoked("b", THEN)).when(IssueKey(OTHER, THEN)).then()


def test_a_merchant_has_a_limited_number_of_active_keys() -> None:
    full: tuple[Event, ...] = (REGISTERED, *(KeyIssued(key(number), THEN) for number in range(ACTIVE_KEYS_MAX - 1)))
    given(*full).when(IssueKey(OTHER, THEN)).refused(TooManyKeys)
    given(*full, KeyRevoked("key_0", THEN)).when(IssueKey(OTHER, THEN)).then(KeyIssued(OTHER, THEN))


def test_old_revoked_keys_are_dropped() -> None:
    rotated: list[Event] = [REGISTERED]
    for number in range(REVOKED_KEYS_MAX + 50):
        rotated += [KeyIssued(key(number), THEN), KeyRevoked(key(number - 1).id if number else "a", THEN)]
    state = RULES.fold(rotated)
    assert state
    assert len(state.keys) == REVOKED_KEYS_MAX + 1
    assert [each.id for each in state.keys if not each.revoked] == [f"key_{REVOKED_KEYS_MAX + 49}"]
    assert state.keys[0].id == "key_49"


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("TechSolutions", "TS"),
        ("TechSolutions Inc.", "TS"),
        ("Panadería La Espiga S.A. de C.V.", "PLE"),
        ("ACME", "AC"),
        ("Ñandú Ágil", "NA"),
        ("Nube", "NU"),
        ("nube azul", "NA"),
        ("3M", "3M"),
        ("株式会社", "INV"),
        ("", "INV"),
    ],
)
def test_the_invoice_series_is_made_of_the_names_initials(name: str, series: str) -> None:
    assert series_of(name) == series
