"""Stored value of two members who become one, and their parting."""

from datetime import timedelta

import pytest

from members.services.merging import merge_members
from members.services.unmerging import undo_merge
from orders.models import GiftCard, Wallet, WalletEntry
from orders.providers.wallet import WalletProvider
from orders.services.cancelling import cancel_order
from orders.services.gift_cards import issue_gift_cards, redeem_gift_card
from orders.services.merging_wallets import WalletReserved
from orders.services.payment import start_payment
from orders.services.wallet_verification import verify_wallets
from tests.cast import NOON, make_variant
from tests.orders.services.test_tenders import fill_wallet, wallet
from tests.orders.shop import fill_cart, notify, place

LATER = NOON + timedelta(days=1)


def merge(winner, loser):
    return merge_members(
        winner_id=winner.pk,
        loser_id=loser.pk,
        reason="one person",
        actor="tests",
        now=NOON,
    )


def undo(done):
    return undo_merge(merge_id=done.pk, reason="two", actor="tests", now=LATER)


def sound():
    return verify_wallets().findings == ()


@pytest.fixture
def held(bob, tea):
    """Bob's order, for which he holds 60.00 of his 100.00."""
    fill_wallet(bob, 10_000)
    order = place(fill_cart({"TEA": 2}, member=bob))
    start_payment(order_id=order.pk, provider="wallet", amount_minor=6_000, now=NOON)
    return order


def test_all_value_goes_over_by_a_pair_of_entries(alice, bob):
    fill_wallet(alice, 2_500, "staff:a")
    fill_wallet(bob, 1_500, "staff:b")
    done = merge(alice, bob)
    assert (wallet(alice), wallet(bob)) == ((4_000, 0), (0, 0))
    pair = WalletEntry.objects.filter(kind="transfer").order_by("amount_minor")
    assert [(e.wallet_id, e.amount_minor) for e in pair] == [
        *((bob.pk, -1_500), (alice.pk, 1_500)),
    ]
    assert len({entry.source for entry in pair}) == 1
    assert sound()
    undo(done)
    assert (wallet(alice), wallet(bob)) == ((2_500, 0), (1_500, 0))
    assert sound()


def test_what_is_held_goes_with_its_order_and_comes_back(alice, bob, held):
    done = merge(alice, bob)
    assert (wallet(alice), wallet(bob)) == ((10_000, 6_000), (0, 0))
    assert sound()
    undo(done)
    assert (wallet(alice), wallet(bob)) == ((0, 0), (10_000, 6_000))
    assert sound()


def test_the_winner_pays_the_order_that_came(alice, bob, held):
    merge(alice, bob)
    notify(start_payment(order_id=held.pk, provider="test", now=NOON))
    held.refresh_from_db()
    assert (held.state, wallet(alice)) == ("paid", (4_000, 0))
    assert sound()


def test_what_was_spent_since_stays_gone(alice, bob):
    fill_wallet(bob, 10_000)
    done = merge(alice, bob)
    fill_wallet(alice, -7_000, "staff:out")
    undo(done)
    assert (wallet(alice), wallet(bob)) == ((0, 0), (3_000, 0))
    assert sound()


def test_undoing_waits_for_an_order_that_holds_it(alice, bob, tea):
    fill_wallet(bob, 10_000)
    done = merge(alice, bob)
    order = place(fill_cart({"TEA": 2}, member=alice))
    start_payment(order_id=order.pk, provider="wallet", amount_minor=6_000, now=NOON)
    with pytest.raises(WalletReserved):
        undo(done)
    assert (wallet(alice), wallet(bob)) == ((10_000, 6_000), (0, 0))
    cancel_order(order_id=order.pk, actor="tests", reason="", now=NOON)
    undo(done)
    assert (wallet(alice), wallet(bob)) == ((0, 0), (10_000, 0))


def test_r18_a_refund_asked_again_after_a_merge_is_paid_once(alice, bob, tea):
    fill_wallet(bob, 10_000)
    order = place(fill_cart({"TEA": 1}, member=bob))
    payment = start_payment(order_id=order.pk, provider="wallet", now=NOON)
    refund = {
        "key": "ref_1",
        "reference": payment.public_id,
        "amount_minor": 4_000,
        "currency": "CNY",
    }
    WalletProvider().refund(**refund)
    merge(alice, bob)
    WalletProvider().refund(**refund)
    assert (wallet(alice), wallet(bob)) == ((4_000, 0), (0, 0))
    assert sound()


def test_redeemed_cards_go_over_and_come_back(alice, bob):
    make_variant("CARD", 10_000, kind="gift_card")
    order = place(fill_cart({"CARD": 1}, member=alice))
    notify(start_payment(order_id=order.pk, provider="test", now=NOON))
    (card,) = issue_gift_cards(order_id=order.pk, now=NOON)
    redeem_gift_card(member_id=bob.pk, code=card.code, caller="c", now=NOON)
    done = merge(alice, bob)
    assert GiftCard.objects.get().redeemed_by == alice
    undo(done)
    assert GiftCard.objects.get().redeemed_by == bob
    assert Wallet.objects.get(pk=bob.pk).balance_minor == 10_000
    assert sound()
