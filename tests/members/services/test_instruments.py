from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from crm.shared.models import Fact
from members.models import (
    PaymentInstrument,
    Verification,
    VerificationResult,
)
from members.queries import instruments_of
from members.services import instruments
from members.services.instruments import (
    AskedTooOften,
    BadInstrument,
    CardDataRefused,
    InstrumentBelongsToAnother,
    MemberNotActive,
    TooManyInstruments,
    UnknownInstrument,
    UnknownVerification,
    bind_instrument,
    remove_instrument,
    take_verdict,
    verify_instrument,
)
from members.verifiers.base import BadVerdict, Outcome, UnknownVerifier
from members.verifiers.test import TestVerifier, signed_verdict
from tests.cast import NOON, make_member, put_in_state
from tests.faults.callers import all_at_once

CARD = {
    "verifier": "test",
    "kind": "card",
    "token": "tok_1NirD82eZvKYlo2C",
    "brand": "UnionPay",
    "last_four": "1148",
}


@pytest.fixture(autouse=True)
def verifier(monkeypatch):
    """Return the test verifier, as good as new."""
    for name, value in {"asked": {}, "outages": 0, "at_once": {}}.items():
        kept = type(getattr(TestVerifier, name))(value)
        monkeypatch.setattr(TestVerifier, name, kept)
    return TestVerifier


def bound(member, **changes):
    return bind_instrument(member_id=member.pk, now=NOON, **{**CARD, **changes})


def asked(member, row, *, now=NOON):
    return verify_instrument(member_id=member.pk, instrument=row.public_id, now=now)


def told(question, *, now=NOON, **verdict):
    verdict.setdefault("decided_at", NOON)
    body, headers = signed_verdict(key=question.public_id, **verdict)
    return take_verdict(verifier="test", body=body, headers=headers, now=now)


# --- Binding ------------------------------------------------------------------------


def test_binding_keeps_what_a_shop_may_know(alice):
    row = bound(alice)
    kept = PaymentInstrument.objects.get()
    assert (kept.token, kept.brand, kept.last_four, kept.bound_at) == (
        CARD["token"],
        "UnionPay",
        "1148",
        NOON,
    )
    assert row.status == "unchecked"
    with connection.cursor() as cursor:
        cursor.execute("SELECT token, last_four FROM members_paymentinstrument")
        (raw,) = cursor.fetchall()
    assert CARD["token"].encode() not in bytes(raw[0])
    assert b"1148" not in bytes(raw[1])


def test_binding_again_is_the_same(alice):
    assert bound(alice) == bound(alice)
    assert PaymentInstrument.objects.count() == 1


def test_what_another_member_bound_is_theirs_until_they_remove_it(alice, bob):
    row = bound(alice)
    with pytest.raises(InstrumentBelongsToAnother):
        bound(bob)
    remove_instrument(member_id=alice.pk, instrument=row.public_id, now=NOON)
    assert bound(bob).member == bob


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"token": "4242424242424242"}, CardDataRefused),
        ({"token": "tok_4242424242424242"}, CardDataRefused),
        ({"brand": "4242 4242 4242 4242"}, CardDataRefused),
        ({"last_four": "4242424242424242"}, CardDataRefused),
        ({"token": ""}, BadInstrument),
        ({"token": "a b"}, BadInstrument),
        ({"token": "a\n"}, BadInstrument),
        ({"token": "x" * 201}, BadInstrument),
        ({"brand": "<script>"}, BadInstrument),
        ({"last_four": ""}, BadInstrument),
        ({"last_four": "12345"}, BadInstrument),
        ({"last_four": "12a4"}, BadInstrument),
        ({"last_four": "١٢٣٤"}, BadInstrument),
        ({"kind": "alipay"}, BadInstrument),  # wallets have no last four
        ({"kind": "cash", "last_four": ""}, BadInstrument),
        ({"verifier": "nobody"}, UnknownVerifier),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(alice, changes, refusal):
    with pytest.raises(refusal) as refused:
        bound(alice, **changes)
    assert "4242" not in str(refused.value) + str(refused.value.params)
    assert not PaymentInstrument.objects.exists()


@pytest.mark.parametrize("state", ["frozen", "closed", "erased"])
def test_only_active_members_bind(alice, state):
    put_in_state(alice, state)
    with pytest.raises(MemberNotActive):
        bound(alice)
    assert not PaymentInstrument.objects.exists()


def test_a_production_shop_has_no_test_verifier(alice, settings):
    settings.IS_PRODUCTION = True
    with pytest.raises(UnknownVerifier):
        bound(alice)


def test_there_is_a_most_and_removing_makes_room(alice, monkeypatch):
    monkeypatch.setattr(instruments, "MOST_INSTRUMENTS", 2)
    first = bound(alice, token="a")
    bound(alice, token="b")
    with pytest.raises(TooManyInstruments):
        bound(alice, token="c")
    assert bound(alice, token="a") == first
    remove_instrument(member_id=alice.pk, instrument=first.public_id, now=NOON)
    assert bound(alice, token="c").status == "unchecked"


def test_removing_forgets_token_and_digits(alice, bob):
    row = bound(alice)
    with pytest.raises(UnknownInstrument):
        remove_instrument(member_id=bob.pk, instrument=row.public_id, now=NOON)
    remove_instrument(member_id=alice.pk, instrument=row.public_id, now=NOON)
    row = PaymentInstrument.objects.get()
    assert (row.token, row.token_index, row.last_four, row.removed_at) == (
        None,
        None,
        None,
        NOON,
    )
    assert instruments_of(member_id=alice.pk) == []
    with pytest.raises(UnknownInstrument):
        remove_instrument(member_id=alice.pk, instrument=row.public_id, now=NOON)


# --- Verifying ----------------------------------------------------------------------


def test_an_answer_comes_later_and_is_evidence(alice, verifier):
    row = bound(alice)
    assert asked(alice, row).status == "pending"
    question = Verification.objects.get()
    assert verifier.asked == {question.public_id: 1}

    later = NOON + timedelta(minutes=3)
    told(question, now=later, reference="V-17")

    result = VerificationResult.objects.get()
    assert (result.outcome, result.reference, result.reason) == ("passed", "V-17", "")
    assert (result.decided_at, result.received_at) == (NOON, later)
    (shown,) = instruments_of(member_id=alice.pk)
    assert (shown.status, shown.decided_at) == ("passed", NOON)
    fact = Fact.objects.get()
    assert (fact.name, fact.payload) == (
        "members.InstrumentVerified",
        {"member_id": alice.pk, "instrument_id": row.pk, "passed": True},
    )


def test_an_answer_may_come_at_once(alice, verifier):
    verifier.at_once[CARD["token"]] = (Outcome.FAILED, NOON)
    assert asked(alice, bound(alice)).status == "failed"
    assert Fact.objects.get().payload["passed"] is False


def test_the_first_answer_stands_however_often_it_comes(alice):
    asked(alice, bound(alice))
    question = Verification.objects.get()
    first = told(question, outcome="failed", reason="insufficient_funds")
    for outcome in ("failed", "passed"):
        assert told(question, outcome=outcome) == first
    result = VerificationResult.objects.get()
    assert (result.outcome, result.reason) == ("failed", "insufficient_funds")
    assert Fact.objects.count() == 1


def test_asking_again_before_the_answer_is_the_same_question(alice, verifier):
    row = bound(alice)
    verifier.outages = 1
    assert asked(alice, row).status == "pending"
    assert asked(alice, row).status == "pending"
    question = Verification.objects.get()
    assert verifier.asked == {question.public_id: 2}


def test_after_an_answer_one_may_ask_anew(alice):
    row = bound(alice)
    asked(alice, row)
    told(Verification.objects.get(), outcome="failed")
    assert asked(alice, row).status == "pending"
    told(Verification.objects.latest("pk"))
    (shown,) = instruments_of(member_id=alice.pk)
    assert shown.status == "passed"
    assert VerificationResult.objects.count() == 2


def test_questions_are_budgeted_by_day(alice, verifier):
    row = bound(alice)
    verifier.at_once[CARD["token"]] = (Outcome.FAILED, NOON)
    for _question in range(5):
        asked(alice, row)
    with pytest.raises(AskedTooOften):
        asked(alice, row)
    assert verifier.asked.total() == Verification.objects.count() == 5
    asked(alice, row, now=NOON + timedelta(days=1, seconds=1))
    assert Verification.objects.count() == 6


def test_others_cannot_ask(alice, bob, verifier):
    row = bound(alice)
    for stranger in (bob, make_member(9)):
        with pytest.raises(UnknownInstrument):
            asked(stranger, row)
    assert not verifier.asked
    assert not Verification.objects.exists()


def test_what_is_not_signed_changes_nothing(alice):
    asked(alice, bound(alice))
    question = Verification.objects.get()
    body, headers = signed_verdict(key=question.public_id, decided_at=NOON)
    forged = [
        (body.replace(b"passed", b"failed"), headers),
        (body, {}),
        (body, {**headers, "X-Verifier-Signature": "v1=0"}),
        (body + b" ", headers),
    ]
    for text, signed in forged:
        with pytest.raises(BadVerdict):
            take_verdict(verifier="test", body=text, headers=signed, now=NOON)
    assert not VerificationResult.objects.exists()
    # The control: the very same message with its signature is taken.
    take_verdict(verifier="test", body=body, headers=headers, now=NOON)
    assert VerificationResult.objects.get().outcome == "passed"


@pytest.mark.parametrize(
    "verdict",
    [
        {"outcome": "perhaps"},
        {"reference": "x" * 81},
        {"reference": "a b"},
        {"reason": "<b>"},
        {"decided_at": NOON.replace(tzinfo=None)},
    ],
)
def test_a_signed_message_that_cannot_be_kept_is_refused(alice, verdict):
    asked(alice, bound(alice))
    with pytest.raises(BadVerdict):
        told(Verification.objects.get(), **verdict)
    assert not VerificationResult.objects.exists()


def test_a_signed_message_about_nobodys_question_is_refused(db):
    with pytest.raises(UnknownVerification):
        told(Verification(public_id="ver_0"))


def test_a_verdict_after_removal_is_still_evidence(alice):
    row = bound(alice)
    asked(alice, row)
    remove_instrument(member_id=alice.pk, instrument=row.public_id, now=NOON)
    told(Verification.objects.get())
    assert VerificationResult.objects.get().outcome == "passed"


@pytest.mark.parametrize("table", ["verification", "verificationresult"])
@pytest.mark.parametrize("change", ["UPDATE {} SET id = 99", "DELETE FROM {}"])
def test_evidence_cannot_be_changed_or_deleted(alice, table, change):
    asked(alice, bound(alice))
    told(Verification.objects.get())
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(f"members_{table}"))
    assert Verification.objects.count() == VerificationResult.objects.count() == 1


def test_a_removed_instrument_keeps_no_token_whoever_writes(alice):
    bound(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentInstrument.objects.update(removed_at=NOON)


# --- At once ------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_ten_members_who_bind_one_card_at_once_one_gets_it():
    members = [make_member(serial) for serial in range(1, 11)]
    outcomes = all_at_once(10, lambda n: bound(members[n]).member_id)
    assert outcomes.pop("InstrumentBelongsToAnother") == 9
    ((owner, _once),) = outcomes.items()
    assert PaymentInstrument.objects.get().member_id == owner


@pytest.mark.django_db(transaction=True)
def test_the_most_holds_when_many_are_bound_at_once(monkeypatch):
    monkeypatch.setattr(instruments, "MOST_INSTRUMENTS", 3)
    alice = make_member(1)
    outcomes = all_at_once(8, lambda n: bound(alice, token=f"tok_{n}").pk)
    assert outcomes["TooManyInstruments"] == 5
    assert PaymentInstrument.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_many_questions_and_answers_at_once_are_one_of_each(verifier):
    alice = make_member(1)
    row = bound(alice)
    all_at_once(8, lambda _n: asked(alice, row).status)
    question = Verification.objects.get()
    outcomes = ["passed", "failed"] * 4
    all_at_once(8, lambda n: told(question, outcome=outcomes[n]).pk)
    assert VerificationResult.objects.count() == 1
    assert Fact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_verifier_is_asked_outside_of_any_transaction(monkeypatch):
    inside = []
    monkeypatch.setattr(
        TestVerifier,
        "verify",
        lambda self, **given: inside.append(connection.in_atomic_block),
    )
    alice = make_member(1)
    asked(alice, bound(alice))
    assert inside == [False]
