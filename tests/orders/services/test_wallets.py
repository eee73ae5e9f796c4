"""The ledger of stored value."""

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm.shared.models import AuditEntry
from orders.models import Wallet, WalletEntry
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import (
    NoReasonGiven,
    NotEnoughInWallet,
    book_entry,
    top_up_wallet,
)
from tests.cast import NOON, make_member


def top_up(member, amount_minor, source="staff:1", reason="goodwill", actor="tests"):
    return top_up_wallet(
        member_id=member.pk,
        amount_minor=amount_minor,
        reason=reason,
        actor=actor,
        source=source,
        now=NOON,
    )


def test_staff_pay_in_and_out_with_a_reason(alice, dana):
    top_up(alice, 5_000, actor=dana)
    entry = top_up(alice, -2_000, "staff:2", actor=dana)
    assert (entry.kind, entry.seq, entry.balance_after_minor) == ("deduct", 2, 3_000)
    assert (entry.actor, entry.reason) == ("dana", "goodwill")
    assert Wallet.objects.get().available_minor == 3_000
    told = AuditEntry.objects.order_by("id").values_list("action", "detail")
    assert list(told) == [
        ("wallet.top_up", {"amount_minor": 5_000}),
        ("wallet.deduct", {"amount_minor": -2_000}),
    ]


def test_again_with_the_same_source_is_once(alice):
    first, again = top_up(alice, 5_000), top_up(alice, 5_000)
    assert first == again
    assert Wallet.objects.get().balance_minor == 5_000
    assert AuditEntry.objects.count() == 1


def test_refusals_write_nothing(alice):
    top_up(alice, 5_000)
    for amount, reason, refusal in (
        (-5_001, "x", NotEnoughInWallet),
        (10, "  ", NoReasonGiven),
        (0, "x", ValueError),
    ):
        with pytest.raises(refusal):
            top_up(alice, amount, "staff:2", reason)
    assert WalletEntry.objects.count() == 1
    assert Wallet.objects.get().balance_minor == 5_000


def test_one_refund_is_booked_once_in_all_wallets(alice, bob):
    """As when it is asked for again after two members became one."""
    refund = {"kind": "refund", "amount_minor": 100, "source": "refund:ref_1"}
    first = book_entry(member_id=alice.pk, now=NOON, **refund)
    assert book_entry(member_id=bob.pk, now=NOON, **refund) == first
    with pytest.raises(IntegrityError, match="once_in_all_wallets"):
        WalletEntry.objects.create(
            wallet_id=bob.pk,
            seq=1,
            balance_after_minor=100,
            occurred_at=NOON,
            **refund,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_walletentry SET amount_minor = 1",
        "DELETE FROM orders_walletentry",
        "TRUNCATE orders_walletentry",
    ],
)
def test_entries_are_never_changed(alice, statement):
    top_up(alice, 5_000)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)
    assert WalletEntry.objects.get().amount_minor == 5_000


def test_the_command_finds_every_sort_of_difference(alice, capsys):
    top_up(alice, 5_000)
    call_command("verify_wallets")
    assert capsys.readouterr().out == "1 wallets and 1 entries agree.\n"
    Wallet.objects.update(balance_minor=6_000, held_minor=70, seq=4)
    with pytest.raises(CommandError, match="3 differences"):
        call_command("verify_wallets")
    number = alice.pk
    assert capsys.readouterr().err.splitlines() == [
        f"wallet {number}: balance is 6000, the entries add up to 5000",
        f"wallet {number}: held is 70, unpaid orders hold 0",
        f"wallet {number}: its newest number is 4, it has 1 entries",
    ]


class AnySequence(TestCase):
    """Whatever is paid in and out, the books agree and nothing is owed."""

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.integers(-3_000, 3_000).filter(bool), max_size=12))
    def test_balance_is_the_sum_of_what_was_taken(self, amounts):
        member, balance = make_member(1), 0
        for place, amount in enumerate(amounts):
            try:
                top_up(member, amount, f"staff:{place}")
            except NotEnoughInWallet:
                assert balance + amount < 0
            else:
                balance += amount
        kept = Wallet.objects.filter(pk=member.pk).first()
        assert (kept.balance_minor if kept else 0) == balance
        assert verify_wallets().findings == ()
