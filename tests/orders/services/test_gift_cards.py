"""Gift cards from sale to wallet, and back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from crm.shared.allowances import TooOften
from crm.shared.models import AuditEntry, Fact
from crm.shared.outbox import relay
from loyalty.models import PointsEntry
from loyalty.services.earning import earn_for_order
from members.models import Member
from members.services.revealing import RevealBudgetSpent
from orders.models import GiftCard, OrderLine, Refund, Wallet, WalletEntry
from orders.rules.gift_codes import in_groups
from orders.services.gift_cards import (
    WRONG_BY_MEMBER,
    CannotRedeem,
    GiftCardNotValid,
    GiftCardRedeemed,
    issue_gift_cards,
    redeem_gift_card,
    reveal_gift_card,
)
from orders.services.payment import start_payment
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds
from orders.services.wallet_verification import verify_wallets
from orders.services.wallets import NoReasonGiven
from tests.cast import NOON, make_variant
from tests.orders.shop import fill_cart, notify, place, refuse

WRONG = "0123456789ABCDEE"


@pytest.fixture
def card_sku(db):
    return make_variant("CARD", 10_000, kind="gift_card")


@pytest.fixture
def order(alice, card_sku, cup):
    bought = place(fill_cart({"CARD": 2, "CUP": 1}, member=alice))
    notify(start_payment(order_id=bought.pk, provider="test", now=NOON))
    bought.refresh_from_db()
    return bought


@pytest.fixture
def cards(order):
    return issue_gift_cards(order_id=order.pk, now=NOON)


def redeem(member, code, *, caller="c", now=NOON):
    return redeem_gift_card(member_id=member.pk, code=code, caller=caller, now=now)


def balance(member):
    found = Wallet.objects.filter(pk=member.pk).first()
    return found.balance_minor if found else 0


def refund_cards(order, units, key="k"):
    position = order.lines.get(sku="CARD").position
    return refund_order(
        order_id=order.pk,
        items={position: units},
        reason="",
        actor="tests",
        request_key=key,
        now=NOON,
    )


def states():
    return list(GiftCard.objects.order_by("number").values_list("state", flat=True))


# --- Issued -------------------------------------------------------------------


def test_a_paid_order_issues_one_card_per_unit_once(order):
    first = issue_gift_cards(order_id=order.pk, now=NOON)
    assert issue_gift_cards(order_id=order.pk, now=NOON) == []
    found = GiftCard.objects.order_by("number")
    assert [(c.number, c.amount_minor, c.state) for c in found] == [
        *((1, 10_000, "issued"), (2, 10_000, "issued")),
    ]
    assert len({card.code for card in first}) == 2
    assert [card.expires_at for card in found] == [None, None]


def test_the_fact_of_payment_issues_them(order):
    while relay(now=NOON):
        pass
    assert states() == ["issued", "issued"]


def test_an_unpaid_order_issues_nothing(alice, card_sku):
    order = place(fill_cart({"CARD": 1}, member=alice))
    assert issue_gift_cards(order_id=order.pk, now=NOON) == []


def test_a_card_is_worth_its_list_price(order):
    OrderLine.objects.filter(sku="CARD").update(list_price_minor=12_000)
    cards = issue_gift_cards(order_id=order.pk, now=NOON)
    assert [card.amount_minor for card in cards] == [12_000, 12_000]


def test_p5_gift_cards_earn_nothing(order, alice):
    earn_for_order(order_id=order.pk, now=NOON)
    entry = PointsEntry.objects.get(kind="earn")
    # The cup alone: 33.33 at one point per 1.00.
    assert entry.trace["basis_minor"] == 3_333


def test_codes_are_nowhere_to_be_read(cards):
    stored = GiftCard.objects.values("code", "code_mark").get(pk=cards[0].pk)
    assert repr(stored["code"]) == "<sealed>"
    assert cards[0].code.encode() not in bytes(stored["code"].blob)
    assert cards[0].code.encode() not in bytes(stored["code_mark"])


# --- Redeemed -----------------------------------------------------------------


def test_a_card_goes_whole_into_the_wallet_of_who_brings_it(cards, bob):
    entry = redeem(bob, in_groups(cards[0].code).lower())
    assert (entry.kind, entry.amount_minor, balance(bob)) == (
        *("gift_card", 10_000),
        10_000,
    )
    card = GiftCard.objects.get(pk=cards[0].pk)
    assert (card.state, card.redeemed_by, card.redeemed_at) == ("redeemed", bob, NOON)
    assert verify_wallets().findings == ()


def test_again_by_the_same_member_is_harmless(cards, bob):
    first, again = redeem(bob, cards[0].code), redeem(bob, cards[0].code)
    assert (first, balance(bob)) == (again, 10_000)


def test_one_answer_for_everything_that_is_not_valid(cards, alice, bob, order):
    redeem(bob, cards[0].code)
    GiftCard.objects.filter(pk=cards[1].pk).update(expires_at=NOON)
    for code in (WRONG, "no code", cards[0].code, cards[1].code):
        with pytest.raises(GiftCardNotValid) as said:
            redeem(alice, code)
        assert str(said.value) == "This code is not valid."
    assert balance(alice) == 0
    assert WalletEntry.objects.count() == 1


def test_a_card_is_good_until_the_moment_it_expires(cards, bob, settings):
    GiftCard.objects.update(expires_at=NOON + timedelta(days=1))
    with pytest.raises(GiftCardNotValid):
        redeem(bob, cards[0].code, now=NOON + timedelta(days=1))
    assert redeem(bob, cards[0].code, now=NOON + timedelta(days=1, seconds=-1))


def test_the_shop_says_how_long_cards_are_good(order, settings):
    settings.GIFT_CARD_DAYS = 30
    cards = issue_gift_cards(order_id=order.pk, now=NOON)
    assert {card.expires_at for card in cards} == {NOON + timedelta(days=30)}


def test_c5_wrong_codes_are_counted_and_right_ones_are_not(cards, bob):
    for _try in range(WRONG_BY_MEMBER.most - 1):
        with pytest.raises(GiftCardNotValid):
            redeem(bob, WRONG)
    redeem(bob, cards[0].code)
    with pytest.raises(GiftCardNotValid):
        redeem(bob, WRONG)
    with pytest.raises(TooOften):
        redeem(bob, cards[1].code)
    assert balance(bob) == 10_000
    assert redeem(bob, cards[1].code, now=NOON + WRONG_BY_MEMBER.period)


def test_the_frozen_redeem_nothing(cards, bob):
    Member.objects.filter(pk=bob.pk).update(state="frozen")
    with pytest.raises(CannotRedeem):
        redeem(bob, cards[0].code)
    assert states() == ["issued", "issued"]


# --- Voided -------------------------------------------------------------------


def test_a_refund_voids_unused_cards(order, cards, bob):
    redeem(bob, cards[0].code)
    refund_cards(order, 1)
    assert states() == ["redeemed", "voided"]
    with pytest.raises(GiftCardNotValid):
        redeem(bob, cards[1].code)


def test_a_redeemed_card_cannot_be_given_back(order, cards, bob):
    redeem(bob, cards[0].code)
    with pytest.raises(GiftCardRedeemed):
        refund_cards(order, 2)
    assert not Refund.objects.exists()
    assert states() == ["redeemed", "issued"]
    refund_cards(order, 1)
    with pytest.raises(GiftCardRedeemed):
        refund_cards(order, 1, "again")
    assert states() == ["redeemed", "voided"]


def test_a_refund_before_the_cards_came_leaves_none_to_come(order):
    refund_cards(order, 2)
    assert states() == ["voided", "voided"]
    assert issue_gift_cards(order_id=order.pk, now=NOON) == []


def test_a_refund_that_fails_makes_the_cards_good_again(order, cards, bob):
    refund = refund_cards(order, 2)
    assert refuse(refund)
    assert states() == ["issued", "issued"]
    assert redeem(bob, cards[1].code)


def test_a_refund_of_other_lines_voids_nothing(order, cards):
    position = order.lines.get(sku="CUP").position
    refund_order(
        order_id=order.pk,
        items={position: 1},
        reason="",
        actor="tests",
        request_key="k",
        now=NOON,
    )
    assert send_due_refunds(now=NOON) == 1
    assert states() == ["issued", "issued"]


def test_no_state_without_what_belongs_to_it(cards):
    with pytest.raises(IntegrityError, match="state_matches_row"):
        GiftCard.objects.filter(pk=cards[0].pk).update(state="redeemed")


# --- Shown --------------------------------------------------------------------


def test_staff_see_a_code_for_a_reason_and_it_is_written_down(cards, dana, settings):
    settings.REVEALS_PER_DAY = 1
    card = cards[0]
    show = {"card_id": card.pk, "actor": dana, "now": NOON}
    with pytest.raises(NoReasonGiven):
        reveal_gift_card(reason=" ", **show)
    assert not AuditEntry.objects.exists()
    assert reveal_gift_card(reason="mail was lost", **show) == card.code
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_id, entry.reason) == (
        *("gift_cards.reveal", card.public_id),
        "mail was lost",
    )
    assert card.code not in str(entry.detail)
    with pytest.raises(RevealBudgetSpent):
        reveal_gift_card(reason="again", **show)
    assert not Fact.objects.filter(payload__icontains=card.code).exists()
