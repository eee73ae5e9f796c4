from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from members.models import Consent
from members.queries import current_consents, has_consent
from members.services.consenting import Statement, record_consents
from tests.cast import NOON, make_member


def say(member, *words, version="2026-11", at=NOON):
    return record_consents(
        member_id=member.pk,
        statements=[Statement(*word) for word in words],
        text_version=version,
        source="form",
        now=at,
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
