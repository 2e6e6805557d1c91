"""Several cards of one customer: adding, the default, removing, the backup."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given as over
from hypothesis import strategies as st

from payments.application.aggregates import WALLET
from payments.domain.shapes import Brand, Method
from payments.domain.wallet.backup import Backup, BackupConsent
from payments.domain.wallet.commands import (
    AddMethod,
    ChooseBackup,
    Command,
    MakeDefault,
    RefreshMethod,
    RemoveMethod,
    ReplaceMethod,
    UseMethod,
)
from payments.domain.wallet.events import (
    BackupChosen,
    DefaultChanged,
    Event,
    MethodAdded,
    MethodRefreshed,
    MethodRemoved,
)
from payments.domain.wallet.refusals import (
    DefaultAsBackup,
    LastMethodInUse,
    NoSuchPaymentMethod,
    Refusal,
    SuccessorChanged,
    TooManyMethods,
)
from payments.domain.wallet.wallet import METHODS_MAX, Wallet
from support.payments.examples import ANA, OTHER, VISA, WALLETS, card, day, id_of
from support.spec import Scenario

THIRD = card("1117")
CONSENT = BackupConsent("backup-1", "es", day(2))
VISA_USED = DefaultChanged(ANA, VISA, None, (), day(1))
OTHER_ADDED = MethodAdded(ANA, OTHER, day(1))
THIRD_ADDED = MethodAdded(ANA, THIRD, day(1))
BACKED = BackupChosen(OTHER, CONSENT, day(2))
TWO = VISA_USED, OTHER_ADDED
FULL: tuple[Event, ...] = (VISA_USED, *(MethodAdded(ANA, card(f"{number:04}"), day(1)) for number in range(1, METHODS_MAX)))


def given(*past: Event) -> Scenario[Command, Event, Wallet]:
    return Scenario(WALLETS, past)


def state(*past: Event) -> Wallet:
    wallet = WALLETS.fold(past)
    assert wallet is not None
    return wallet


def same_card(method: Method, name: str, year: int = 2030) -> Method:
    """Another entry of the same card: the provider reports the same fingerprint."""
    return replace(method, id=id_of(name), exp_year=year, fingerprint="f" * 32)


def test_an_added_card_leaves_the_default_except_the_first() -> None:
    given(VISA_USED).when(AddMethod(ANA, OTHER, day(1))).then(OTHER_ADDED)
    given().when(AddMethod(ANA, VISA, day(1))).then(VISA_USED)
    given(*TWO).when(AddMethod(ANA, OTHER, day(2))).then()
    assert state(*TWO).default == VISA


def test_the_eleventh_card_is_refused() -> None:
    given(*FULL).when(AddMethod(ANA, THIRD, day(2))).refused(TooManyMethods)


def test_an_eleventh_card_that_pays_takes_the_place_of_the_former_default() -> None:
    given(*FULL).when(UseMethod(ANA, THIRD, day(2))).then(
        DefaultChanged(ANA, THIRD, VISA.id, (), day(2)), MethodRemoved(VISA.id, day(2))
    )


def test_the_same_card_again_replaces_its_entry_and_keeps_its_role() -> None:
    old, new = same_card(VISA, "old", 2023), same_card(VISA, "new")
    as_default = DefaultChanged(ANA, old, None, (), day(1))
    added, removed = MethodAdded(ANA, new, day(3)), MethodRemoved(old.id, day(3))
    add = AddMethod(ANA, new, day(3))
    given(as_default).when(add).then(added, DefaultChanged(ANA, new, old.id, (), day(3)), removed)
    given(VISA_USED, MethodAdded(ANA, old, day(1))).when(add).then(added, removed)
    given(VISA_USED, MethodAdded(ANA, old, day(1)), BackupChosen(old, CONSENT, day(2))).when(add).then(
        added, BackupChosen(new, CONSENT, day(3)), removed
    )
    given(as_default).when(UseMethod(ANA, new, day(3))).then(DefaultChanged(ANA, new, old.id, (), day(3)), removed)
    full_of: tuple[Event, ...] = (as_default, *FULL[1:])
    given(*full_of).when(add).then(added, DefaultChanged(ANA, new, old.id, (), day(3)), removed)


def test_cards_without_a_fingerprint_are_different_cards() -> None:
    given(VISA_USED).when(AddMethod(ANA, replace(VISA, id=id_of("again")), day(2))).then(
        MethodAdded(ANA, replace(VISA, id=id_of("again")), day(2))
    )


def test_a_card_on_file_becomes_the_default() -> None:
    given(*TWO).when(MakeDefault(OTHER.id, day(3))).then(DefaultChanged(ANA, OTHER, VISA.id, (), day(3)))
    given(*TWO).when(MakeDefault(VISA.id, day(3))).then()
    given(*TWO).when(MakeDefault(THIRD.id, day(3))).refused(NoSuchPaymentMethod)
    given().when(MakeDefault(VISA.id, day(3))).refused(NoSuchPaymentMethod)


def test_the_only_card_stays_while_something_is_paid_with_it() -> None:
    remove = RemoveMethod(VISA.id, False, day(3))
    given(VISA_USED).when(replace(remove, owed=True)).refused(LastMethodInUse)
    given(VISA_USED).when(replace(remove, subscription_active=True)).refused(LastMethodInUse)
    given(VISA_USED).when(remove).then(MethodRemoved(VISA.id, day(3)))
    given(*TWO).when(RemoveMethod(OTHER.id, True, day(3), owed=True)).then(MethodRemoved(OTHER.id, day(3)))


def test_after_the_default_the_backup_pays_else_the_newest_valid_card() -> None:
    three = *TWO, THIRD_ADDED
    removed = MethodRemoved(VISA.id, day(3))
    remove = RemoveMethod(VISA.id, True, day(3))
    given(*three, BACKED).when(remove).then(removed, DefaultChanged(ANA, OTHER, None, (), day(3)))
    given(*three).when(remove).then(removed, DefaultChanged(ANA, THIRD, None, (), day(3)))
    expired = replace(remove, expired=frozenset({THIRD.id}))
    given(*three).when(expired).then(removed, DefaultChanged(ANA, OTHER, None, (), day(3)))
    all_expired = replace(remove, expired=frozenset({OTHER.id, THIRD.id}))
    given(*three).when(all_expired).then(removed, DefaultChanged(ANA, THIRD, None, (), day(3)))


def test_a_detached_card_is_removed_even_if_it_is_the_only_one_and_needed() -> None:
    detached = RemoveMethod(VISA.id, True, day(3), owed=True, detached=True)
    removed = MethodRemoved(VISA.id, day(3), detached=True)
    given(VISA_USED).when(detached).then(removed)
    given(*TWO).when(detached).then(removed, DefaultChanged(ANA, OTHER, None, (), day(3)))
    given(*TWO, THIRD_ADDED, BACKED).when(detached).then(removed, DefaultChanged(ANA, OTHER, None, (), day(3)))
    of_the_backup = replace(detached, method_id=OTHER.id)
    given(*TWO, BACKED).when(of_the_backup).then(replace(removed, method_id=OTHER.id))
    given(VISA_USED).when(of_the_backup).refused(NoSuchPaymentMethod)


def test_another_next_default_than_was_shown_is_refused() -> None:
    remove = RemoveMethod(VISA.id, True, day(3), successor=OTHER.id)
    given(*TWO, THIRD_ADDED).when(remove).refused(SuccessorChanged)
    given(*TWO).when(remove).then(MethodRemoved(VISA.id, day(3)), DefaultChanged(ANA, OTHER, None, (), day(3)))


def test_a_backup_is_chosen_with_consent_and_withdrawn() -> None:
    choose = ChooseBackup(Backup(OTHER.id, CONSENT), day(2))
    given(*TWO).when(choose).then(BACKED)
    given(*TWO, BACKED).when(choose).then()
    given(*TWO, BACKED).when(ChooseBackup(None, day(4))).then(BackupChosen(None, None, day(4)))
    given(*TWO).when(ChooseBackup(None, day(4))).then()
    given(*TWO).when(ChooseBackup(Backup(VISA.id, CONSENT), day(2))).refused(DefaultAsBackup)
    given(*TWO).when(ChooseBackup(Backup(THIRD.id, CONSENT), day(2))).refused(NoSuchPaymentMethod)
    given(*TWO, BACKED).when(ChooseBackup(Backup(OTHER.id, replace(CONSENT, text="backup-2")), day(5))).then(
        BackupChosen(OTHER, replace(CONSENT, text="backup-2"), day(5))
    )


def test_the_backup_ends_when_it_becomes_the_default_or_is_removed() -> None:
    assert state(*TWO, BACKED).backup == Backup(OTHER.id, CONSENT)
    assert state(*TWO, BACKED, DefaultChanged(ANA, OTHER, VISA.id, (), day(3))).backup is None
    assert state(*TWO, BACKED, MethodRemoved(OTHER.id, day(3))).backup is None


def test_new_details_from_the_network_keep_the_role() -> None:
    renewed = replace(VISA, last4="9999", exp_year=2031)
    given(*TWO).when(RefreshMethod(renewed, day(3))).then(MethodRefreshed(renewed, day(3)))
    given(*TWO).when(RefreshMethod(VISA, day(3))).then()
    given(*TWO).when(RefreshMethod(THIRD, day(3))).refused(NoSuchPaymentMethod)
    assert state(*TWO, MethodRefreshed(renewed, day(3))).default == renewed


def test_a_migrated_card_takes_the_place_of_its_entry_and_keeps_its_role() -> None:
    new, at = replace(VISA, id=id_of("imported"), provider="stripe"), day(4)
    added, removed = MethodAdded(ANA, new, at), MethodRemoved(VISA.id, at)
    migrate = ReplaceMethod(VISA.id, new, at)
    given(*TWO).when(migrate).then(added, DefaultChanged(ANA, new, VISA.id, (), at), removed)
    third = replace(migrate, replaced=THIRD.id)
    given(*TWO, THIRD_ADDED).when(third).then(added, MethodRemoved(THIRD.id, at))
    backup = replace(migrate, replaced=OTHER.id)
    given(*TWO, BACKED).when(backup).then(added, BackupChosen(new, CONSENT, at), MethodRemoved(OTHER.id, at))
    given(*FULL).when(migrate).then(added, DefaultChanged(ANA, new, VISA.id, (), at), removed)
    given(*TWO).when(ReplaceMethod(VISA.id, VISA, at)).then()


def test_a_repeated_migration_changes_nothing_and_an_unknown_card_is_refused() -> None:
    new, at = replace(VISA, id=id_of("imported"), provider="stripe"), day(4)
    done = *TWO, MethodAdded(ANA, new, at), DefaultChanged(ANA, new, VISA.id, (), at), MethodRemoved(VISA.id, at)
    given(*done).when(ReplaceMethod(VISA.id, new, day(5))).then()
    given(*TWO).when(ReplaceMethod(THIRD.id, new, at)).refused(NoSuchPaymentMethod)
    given().when(ReplaceMethod(VISA.id, new, at)).refused(NoSuchPaymentMethod)


def test_a_migrated_card_that_was_entered_again_meanwhile_is_one_card() -> None:
    """The customer typed the card at the new provider, where the import has it too."""
    typed, new, at = same_card(VISA, "typed"), same_card(VISA, "imported"), day(4)
    added, removed = MethodAdded(ANA, new, at), [MethodRemoved(VISA.id, at), MethodRemoved(typed.id, at)]
    migrate, changed = ReplaceMethod(VISA.id, new, at), DefaultChanged(ANA, new, VISA.id, (), at)
    given(VISA_USED, MethodAdded(ANA, typed, day(2))).when(migrate).then(added, changed, *removed)
    backed = VISA_USED, MethodAdded(ANA, typed, day(2)), BackupChosen(typed, CONSENT, day(2))
    given(*backed).when(migrate).then(added, changed, *removed)
    on_file = VISA_USED, MethodAdded(ANA, new, day(2))
    given(*on_file).when(migrate).then(changed, removed[0])


def test_a_refreshed_card_keeps_its_fingerprint() -> None:
    known = replace(VISA, fingerprint="f" * 32)
    before = state(DefaultChanged(ANA, known, None, (), day(1)))
    decided = WALLETS.decide(RefreshMethod(replace(VISA, exp_year=2031), day(3)), before)
    assert [event.method.fingerprint for event in decided if isinstance(event, MethodRefreshed)] == ["f" * 32]


def test_events_from_before_cards_had_fingerprints_are_still_read() -> None:
    card = {"id": str(VISA.id), "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2025}
    rest: dict[str, object] = {"replaces": None, "charged_invoices": [], "at": "2023-05-01T12:00:00Z"}
    event = WALLET.codec.decode("DefaultChanged", 1, json.dumps({"customer_id": str(ANA), "method": card, **rest}))
    assert event == VISA_USED
    assert event.method.fingerprint is None


CARDS = tuple(
    Method(id_of(f"entry {entry} of card {number}"), Brand.VISA, f"{number:04}", 12, 2030, f"card {number}")
    for number in range(13)
    for entry in range(2)
)
CARD = st.sampled_from(CARDS)
AT = datetime(2023, 6, 1, tzinfo=UTC)
COMMANDS = st.one_of(
    st.builds(lambda method: AddMethod(ANA, method, AT), CARD),
    st.builds(lambda method: AddMethod(ANA, method, AT), CARD),
    st.builds(lambda method: UseMethod(ANA, method, AT), CARD),
    st.builds(lambda method: MakeDefault(method.id, AT), CARD),
    st.builds(lambda method, active: RemoveMethod(method.id, active, AT), CARD, st.booleans()),
    st.builds(lambda method: ChooseBackup(Backup(method.id, CONSENT), AT), CARD),
    st.builds(lambda at: ChooseBackup(None, at), st.just(AT)),
    st.builds(lambda old, new: ReplaceMethod(old.id, new, AT), CARD, CARD),
    st.builds(lambda method: RefreshMethod(replace(method, exp_year=2031), AT), CARD),
)


@over(st.lists(COMMANDS, max_size=60))
def test_any_order_of_commands_keeps_the_rules(commands: list[Command]) -> None:
    wallet: Wallet | None = None
    for command in commands:
        try:
            events = WALLETS.decide(command, wallet)
        except Refusal:
            continue
        for event in events:
            wallet = WALLETS.evolve(wallet, event)
        if wallet is None:
            continue
        ids = [method.id for method in wallet.methods]
        assert len(ids) == len(set(ids)) <= METHODS_MAX
        assert (wallet.default is None) == (not ids)
        assert wallet.backup is None or (wallet.backup.method_id in ids and wallet.backup.method_id != wallet.default_id)
        fingerprints = [method.fingerprint for method in wallet.methods]
        assert len(fingerprints) == len(set(fingerprints))
