from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from crm.shared.models import AuditEntry, Fact
from members.models import Consent, ConsentRequest, ConsentText
from members.queries import current_consents, has_consent
from members.rules.consent import Proof
from members.services.consenting import (
    MembershipOver,
    Statement,
    UnknownText,
    WhoAndWhy,
    choose_consents,
    record_consents,
    withdraw_consent,
)
from tests.cast import NOON, make_member, publish, put_in_state


@pytest.fixture(autouse=True)
def texts(db):
    for version in ("2026-11", "2027-01"):
        publish(version)
        publish(version, purpose="profiling", body="May we guess what you like?")


def say(member, *words, version="2026-11", at=NOON, **more):
    return record_consents(
        member_id=member.pk,
        statements=[Statement(*word) for word in words],
        text_version=version,
        source="form",
        now=at,
        **more,
    )


def test_silence_is_no(alice):
    assert not has_consent(member_id=alice.pk, purpose="marketing", channel="email")


def test_the_newest_word_counts_and_the_old_ones_stay(alice):
    say(alice, ("marketing", "email", True))
    assert has_consent(member_id=alice.pk, purpose="marketing", channel="email")
    say(alice, ("marketing", "email", False), at=NOON + timedelta(days=1))

    assert not has_consent(member_id=alice.pk, purpose="marketing", channel="email")
    assert list(Consent.objects.order_by("id").values_list("granted", flat=True)) == [
        True,
        False,
    ]


def test_one_word_says_nothing_about_another_purpose_channel_or_member(alice, bob):
    say(alice, ("marketing", "email", True))
    assert not has_consent(member_id=alice.pk, purpose="profiling", channel="email")
    assert not has_consent(member_id=alice.pk, purpose="marketing", channel="sms")
    assert not has_consent(member_id=bob.pk, purpose="marketing", channel="email")


@pytest.mark.parametrize(
    ("any_way", "by_sms", "allowed"),
    [
        (True, None, True),
        (True, False, False),
        (False, True, True),
        (False, None, False),
    ],
)
def test_a_word_about_the_channel_counts_before_one_about_any(
    alice, any_way, by_sms, allowed
):
    say(alice, ("marketing", "any", any_way))
    if by_sms is not None:
        say(alice, ("marketing", "sms", by_sms))
    assert (
        has_consent(member_id=alice.pk, purpose="marketing", channel="sms") is allowed
    )


def test_saying_it_again_writes_nothing(alice):
    assert (
        len(say(alice, ("marketing", "email", True), ("marketing", "sms", False))) == 2
    )
    assert say(alice, ("marketing", "email", True), ("marketing", "sms", False)) == []
    assert Consent.objects.count() == 2


def test_a_new_text_is_a_new_statement(alice):
    say(alice, ("marketing", "email", True))
    (row,) = say(alice, ("marketing", "email", True), version="2027-01")
    assert row.text_version == "2027-01"
    assert current_consents(member_id=alice.pk) == [row]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE members_consent SET granted = true",
        "DELETE FROM members_consent",
        "TRUNCATE members_consent CASCADE",
    ],
)
def test_nobody_changes_what_was_said(alice, harm):
    say(alice, ("marketing", "email", False))
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        transaction.get_connection().cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(harm)
    assert Consent.objects.get().granted is False


def test_what_one_says_of_two_words_the_last_counts(db):
    member = make_member(9)
    (row,) = say(member, ("marketing", "email", True), ("marketing", "email", False))
    assert row.granted is False


def test_a_yes_keeps_its_proof(alice):
    proof = Proof(request_id="req_1", network="203.0.113.0/24", agent="Firefox, Linux")
    (row,) = say(alice, ("marketing", "email", True), proof=proof, language="en")
    row.refresh_from_db()
    text = ConsentText.objects.get(purpose="marketing", version="2026-11")
    assert bytes(row.text_digest) == bytes(text.digest)
    assert (row.request_id, row.network, row.agent) == (
        "req_1",
        "203.0.113.0/24",
        "Firefox, Linux",
    )
    assert (row.actor, row.reason, row.first_step) == ("", "", None)


def test_nobody_agrees_to_a_text_that_was_never_published(alice):
    with pytest.raises(UnknownText):
        say(
            alice,
            ("profiling", "any", False),
            ("marketing", "email", True),
            version="2031-01",
        )
    assert not Consent.objects.exists()


def test_saying_no_needs_no_text(alice):
    (row,) = say(alice, ("marketing", "email", False), version="2031-01")
    assert row.text_digest is None


def test_staff_say_who_and_why(alice, dana):
    word = ("marketing", "email", True)
    with pytest.raises(WhoAndWhy):
        say(alice, word, version="paper", actor=dana, reason=" ")
    assert not Consent.objects.exists()

    (row,) = say(alice, word, version="paper", actor=dana, reason="card of 3 May")
    assert (row.actor, row.reason, row.text_digest) == ("dana", "card of 3 May", None)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.reason, entry.detail) == (
        "members.consent",
        "dana",
        "card of 3 May",
        {"marketing.email": True},
    )
    say(alice, word, version="paper", actor=dana, reason="again")
    assert AuditEntry.objects.count() == 1


def test_the_database_too_asks_others_why(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.create(
            member=alice,
            purpose="marketing",
            channel="email",
            granted=True,
            text_version="1",
            source="x",
            actor="dana",
            occurred_at=NOON,
        )


@pytest.mark.parametrize("state", ["closed", "erased"])
def test_who_left_can_only_say_no(alice, state):
    say(alice, ("marketing", "email", True))
    put_in_state(alice, state)
    with pytest.raises(MembershipOver):
        say(alice, ("marketing", "sms", True))
    assert len(say(alice, ("marketing", "email", False))) == 1


def test_a_withdrawal_names_the_text_it_takes_back_and_is_written_once(alice):
    say(alice, ("marketing", "email", True))
    about = {"member_id": alice.pk, "purpose": "marketing", "channel": "email"}
    (row,) = withdraw_consent(**about, source="one-click", now=NOON)
    assert (row.granted, row.text_version, row.source) == (
        False,
        "2026-11",
        "one-click",
    )
    assert withdraw_consent(**about, source="one-click", now=NOON) == []
    assert not has_consent(**about)


def test_a_withdrawal_from_one_channel_leaves_the_word_about_any(alice):
    say(alice, ("marketing", "any", True))
    withdraw_consent(
        member_id=alice.pk, purpose="marketing", channel="email", source="x", now=NOON
    )
    about = {"member_id": alice.pk, "purpose": "marketing"}
    assert not has_consent(**about, channel="email")
    assert has_consent(**about, channel="sms")


def choose(member, *words):
    return choose_consents(
        member_id=member.pk,
        choices=[Statement(*word) for word in words],
        language="en",
        source="page",
        proof=Proof(),
        now=NOON + timedelta(hours=1),
    )


def test_leaving_a_box_as_it_stands_is_no_new_word(alice):
    say(alice, ("marketing", "email", True), ("marketing", "sms", True))
    rows = choose(alice, ("marketing", "email", True), ("marketing", "sms", False))
    assert [(row.channel, row.granted) for row in rows] == [("sms", False)]
    (row,) = choose(alice, ("marketing", "sms", True), ("marketing", "email", True))
    # The newest text is the one the page showed.
    assert (row.channel, row.granted, row.text_version) == ("sms", True, "2027-01")


# --- Where the shop asks twice ------------------------------------------------


@pytest.fixture
def asks_twice(settings):
    settings.DOUBLE_OPT_IN = frozenset({"email", "sms"})


def test_a_yes_waits_and_a_no_counts_at_once(alice, asks_twice):
    assert say(alice, ("marketing", "email", True)) == []
    request = ConsentRequest.objects.get()
    assert (request.member, request.channel, request.sends) == (alice, "email", 1)
    assert request.expires_at == NOON + timedelta(days=3)
    assert [
        f.payload for f in Fact.objects.filter(name="members.ConsentRequested")
    ] == [{"request_id": request.pk, "send": 1}]
    assert not has_consent(member_id=alice.pk, purpose="marketing", channel="email")

    assert len(say(alice, ("marketing", "email", False))) == 1
    assert not ConsentRequest.objects.exists()


def test_a_yes_to_any_channel_does_not_go_round_the_second_step(alice, asks_twice):
    rows = say(alice, ("marketing", "any", True), ("profiling", "any", True))
    assert {(row.purpose, row.channel) for row in rows} == {
        ("marketing", "in_app"),
        ("profiling", "any"),
    }
    assert set(ConsentRequest.objects.values_list("channel", flat=True)) == {
        "email",
        "sms",
    }
    assert not has_consent(member_id=alice.pk, purpose="marketing", channel="email")


def test_the_link_is_sent_three_times_a_minute_apart(alice, asks_twice):
    for seconds in (0, 30, 60, 119, 120, 180, 3600):
        say(alice, ("marketing", "email", True), at=NOON + timedelta(seconds=seconds))
    assert Fact.objects.filter(name="members.ConsentRequested").count() == 3
    say(alice, ("marketing", "email", True), at=NOON + timedelta(days=4))
    request = ConsentRequest.objects.get()
    assert (request.sends, request.requested_at) == (1, NOON + timedelta(days=4))


def test_what_staff_write_down_is_not_asked_twice(alice, dana, asks_twice):
    rows = say(alice, ("marketing", "any", True), actor=dana, reason="by telephone")
    assert [row.channel for row in rows] == ["any"]
    assert not ConsentRequest.objects.exists()
