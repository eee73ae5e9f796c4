"""Stored value that staff move: alone up to a limit, beyond it by two."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from crm.shared.approvals import ApprovalClosed, approve
from crm.shared.models import Approval, AuditEntry
from members.services.merging import merge_members
from orders.models import Wallet, WalletEntry
from orders.services import paying_by_hand
from orders.services.paying_by_hand import pay_by_hand
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import NoReasonGiven, NotEnoughInWallet
from tests.cast import NOON, make_user
from tests.faults.callers import all_at_once, rendezvous

DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def limit(settings):
    settings.STAFF_WALLET_LIMIT_MINOR = 1_000


@pytest.fixture
def erik(db):
    return make_user("erik", is_staff=True)


def pay(member, amount_minor, author, source, *, now=NOON, reason="goodwill"):
    return pay_by_hand(
        member_id=member.pk,
        amount_minor=amount_minor,
        reason=reason,
        author=author,
        source=f"staff:{source}",
        now=now,
    )


def balance(member):
    return Wallet.objects.get(pk=member.pk).balance_minor


def test_up_to_the_limit_one_person_is_enough(alice, dana):
    entry = pay(alice, 1_000, dana, 1)
    assert (entry.kind, entry.amount_minor, entry.actor) == ("top_up", 1_000, "dana")
    assert pay(alice, -1_000, dana, 2).kind == "deduct"
    assert (balance(alice), Approval.objects.count()) == (0, 0)


def test_beyond_the_limit_nothing_moves_until_somebody_agrees(alice, dana, erik):
    asked = pay(alice, 1_001, dana, 1)
    assert (asked.params, asked.subject) == (
        {"member": alice.pk, "amount_minor": 1_001},
        alice.number,
    )
    assert (balance(alice), WalletEntry.objects.count()) == (0, 0)
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    entry = WalletEntry.objects.get()
    assert (entry.kind, entry.amount_minor, entry.source) == (
        *("top_up", 1_001),
        f"approval:{asked.public_id}",
    )
    assert (entry.actor, entry.reason, balance(alice)) == ("dana", "goodwill", 1_001)
    deeds = AuditEntry.objects.order_by("id").values_list("action", "actor")
    assert list(deeds) == [
        ("approvals.ask", "dana"),
        ("approvals.approve", "erik"),
        ("wallet.top_up", "dana"),
    ]


def test_a_large_sum_in_small_parts_is_a_large_sum(alice, bob, dana, erik):
    pay(alice, 600, dana, 1)
    assert isinstance(pay(alice, 401, dana, 2), Approval)
    assert isinstance(pay(alice, 400, dana, 3), WalletEntry)
    # Another direction, another wallet, another person and another day begin anew.
    assert isinstance(pay(alice, -1_000, dana, 4), WalletEntry)
    assert isinstance(pay(bob, 1_000, dana, 5), WalletEntry)
    assert isinstance(pay(alice, 1_000, erik, 6), WalletEntry)
    assert isinstance(pay(alice, 1, dana, 7, now=NOON + DAY / 2), Approval)
    assert isinstance(pay(alice, 1_000, dana, 8, now=NOON + DAY), WalletEntry)


def test_what_two_agreed_to_does_not_count_for_one(alice, dana, erik):
    asked = pay(alice, 5_000, dana, 1)
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert isinstance(pay(alice, 1_000, dana, 2), WalletEntry)
    assert balance(alice) == 6_000


def test_asked_again_it_is_the_same(alice, dana, erik, settings):
    asked = pay(alice, 5_000, dana, 1)
    settings.STAFF_WALLET_LIMIT_MINOR = 9_000  # The second click finds another limit.
    assert pay(alice, 5_000, dana, 1) == asked
    small = pay(alice, 10, dana, 2)
    assert pay(alice, 10, dana, 2) == small
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    with pytest.raises(ApprovalClosed):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert (pay(alice, 5_000, dana, 1).pk, balance(alice)) == (asked.pk, 5_010)


def test_refusals_ask_nobody(alice, dana):
    for amount, reason, refusal in (
        (-2_000, "x", NotEnoughInWallet),
        (2_000, "  ", NoReasonGiven),
        (0, "x", ValueError),
    ):
        with pytest.raises(refusal):
            pay(alice, amount, dana, 1, reason=reason)
    assert (Approval.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_what_was_spent_meanwhile_is_not_paid_out(alice, dana, erik):
    for number in range(3):
        pay(alice, 1_000, dana, f"in{number}", now=NOON - (3 - number) * DAY)
    asked = pay(alice, -2_500, dana, "out")
    pay(alice, -1_000, erik, "meanwhile")
    with pytest.raises(NotEnoughInWallet):
        approve(approval_id=asked.pk, decider=erik, now=NOON)
    asked.refresh_from_db()
    assert (asked.state, balance(alice)) == ("waiting", 2_000)


def test_after_a_merge_it_goes_to_who_stayed(alice, bob, dana, erik):
    asked = pay(alice, 5_000, dana, 1)
    merge_members(
        winner_id=bob.pk, loser_id=alice.pk, reason="one person", actor=dana, now=NOON
    )
    approve(approval_id=asked.pk, decider=erik, now=NOON)
    assert balance(bob) == 5_000
    assert not Wallet.objects.filter(pk=alice.pk, balance_minor__gt=0).exists()


# --- Races --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("callers", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_of_many_who_approve_one_moves_the_value(callers, alice, dana):
    asked = pay(alice, 5_000, dana, 1)
    deciders = [make_user(f"erik{n}", is_staff=True) for n in range(8)]
    came = all_at_once(
        callers,
        lambda n: (
            approve(approval_id=asked.pk, decider=deciders[n % 8], now=NOON).state
        ),
    )
    assert came == {"approved": 1, "ApprovalClosed": callers - 1}
    assert (balance(alice), WalletEntry.objects.count()) == (5_000, 1)
    assert AuditEntry.objects.filter(action="approvals.approve").count() == 1
    assert verify_wallets().findings == ()


@pytest.mark.django_db(transaction=True)
def test_parallel_small_parts_stay_within_the_limit(alice, dana):
    came = all_at_once(20, lambda n: type(pay(alice, 300, dana, f"part{n}")).__name__)
    assert came == {"WalletEntry": 3, "Approval": 17}
    assert balance(alice) == 900


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_small_parts_exceed_the_limit(
    alice, dana, monkeypatch
):
    meet, wallet = rendezvous(4), pay(alice, 1, dana, 0).wallet
    really = paying_by_hand.needs_approval

    def asked_together(**given):
        needed = really(**given)
        meet()
        return needed

    monkeypatch.setattr(paying_by_hand, "lock_wallet", lambda member_id: wallet)
    monkeypatch.setattr(paying_by_hand, "needs_approval", asked_together)
    all_at_once(4, lambda n: type(pay(alice, 900, dana, f"part{n}")).__name__)
    paid = WalletEntry.objects.aggregate(sum=Sum("amount_minor"))["sum"]
    assert paid > 1_000
