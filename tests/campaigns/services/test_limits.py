"""How often coupons are used, by whom, and what they may cost in all."""

from datetime import timedelta

import pytest
from django.db import transaction

from campaigns.models import Budget, Coupon, CouponTemplate, UseTally
from campaigns.offers import CouponOffers
from campaigns.services.budgeting import BudgetExhausted
from campaigns.services.choosing import coupons_for_cart
from campaigns.services.counting import UseLimitReached
from campaigns.services.holding import (
    CouponNotHeld,
    CouponUnknown,
    hold_coupon,
    release_order,
    return_order,
    take_back_hold,
    use_coupons,
)
from campaigns.services.issuing import (
    CouponAlreadyClaimed,
    claim_coupon,
    issue_coupon,
)
from campaigns.services.recognising import note_buyer
from members.services.merging import merge_members
from orders.models import Order, OrderAddress
from orders.rules.offers import PriceRequest
from tests.cast import NOON, make_member, make_variant
from tests.orders.shop import fill_cart

DAY = timedelta(days=1)


def coupons(template, member, count):
    return [
        issue_coupon(
            template_id=template.pk,
            member_id=member.pk,
            source=f"x{member.pk}:{number}",
            now=NOON,
        )
        for number in range(count)
    ]


def order_of(member, state="pending"):
    number = Order.objects.count() + 1
    return Order.objects.create(
        number=f"SO{number}",
        member=member,
        state=state,
        currency="CNY",
        goods_minor=30000,
        total_minor=30000,
        placed_at=NOON,
    )


def hold(coupon, order=None, discount_minor=2000, now=NOON):
    order = order or order_of(coupon.member)
    # A refusal undoes the transaction of the order.
    with transaction.atomic():
        hold_coupon(
            coupon=coupon.public_id,
            order_id=order.pk,
            discount_minor=discount_minor,
            now=now,
        )
    return order


def reason(coupon, member, *, now=NOON):
    """Return the code of the refusal of a coupon in a quote, or None."""
    asked = PriceRequest(
        lines=(),
        currency="CNY",
        now=now,
        member_id=member.pk,
        coupon_codes=(coupon.code,),
    )
    refused = CouponOffers().offers_for(asked)[1]
    return refused[0][2].code if refused else None


def counters():
    """Return whether every tally equals the coupons that point to it."""
    for tally in UseTally.objects.all():
        held = Coupon.objects.filter(tallies__contains=[tally.pk]).count()
        assert tally.used == held, tally
    return True


@pytest.fixture
def endless(template):
    """Return the template without a stock."""
    CouponTemplate.objects.update(stock=None)
    template.refresh_from_db()
    return template


# --- Uses (C8, C11) -----------------------------------------------------------


@pytest.mark.parametrize(
    ("_case", "limits", "reason_code"),
    [
        ("in all", {"limit_total": 2}, "coupon_redemption_limit"),
        ("per member", {"limit_member": 2}, "coupon_member_limit"),
        ("a day", {"period": "day", "limit_period": 2}, "coupon_timeframe_limit"),
        (
            "per member and week",
            {"period": "week", "limit_member_period": 2},
            "coupon_timeframe_limit",
        ),
    ],
)
def test_c8_holds_and_uses_count_and_a_release_frees_at_once(
    _case, limits, reason_code, alice, endless
):
    CouponTemplate.objects.update(**limits)
    first, second, third = coupons(endless, alice, 3)
    used, held = hold(first), hold(second)
    use_coupons(order_id=used.pk, now=NOON)

    assert reason(third, alice) == reason_code
    with pytest.raises(UseLimitReached) as refused:
        hold(third)
    assert refused.value.code == reason_code
    assert counters()

    release_order(order_id=held.pk)
    assert reason(third, alice) is None
    hold(third)
    assert counters()


def test_c8_a_new_day_counts_from_nothing(alice, endless):
    CouponTemplate.objects.update(period="day", limit_member_period=1)
    first, second = coupons(endless, alice, 2)
    hold(first)
    # 16:00 UTC is midnight in Shanghai.
    midnight = NOON + timedelta(hours=12)
    assert reason(second, alice, now=midnight - timedelta(seconds=1)) is not None
    assert reason(second, alice, now=midnight) is None
    hold(second, now=midnight)
    assert UseTally.objects.count() == 2


def test_a_refused_hold_leaves_the_coupon_and_all_counts_alone(alice, endless):
    CouponTemplate.objects.update(limit_total=5, limit_member=1)
    first, second = coupons(endless, alice, 2)
    hold(first)
    with pytest.raises(UseLimitReached):
        hold(second)
    second.refresh_from_db()
    assert (second.state, second.order_id) == (Coupon.State.AVAILABLE, None)
    assert sorted(UseTally.objects.values_list("whose", "used")) == [
        ("", 1),
        (f"m:{alice.pk}", 1),
    ]


def test_c11_who_comes_back_under_an_old_number_is_the_same_person(endless):
    CouponTemplate.objects.update(limit_member=1)
    before = make_member(50, phone="138 0000 0050", email="An@Example.com")
    (coupon,) = coupons(endless, before, 1)
    use_coupons(order_id=hold(coupon).pk, now=NOON)
    before.phone = before.email = None
    before.save()

    by_phone = make_member(51, phone="+86 13800000050")
    by_mail = make_member(52, email=" an@example.COM ")
    stranger = make_member(53, phone="13800000053")
    for member, refused in [(by_phone, True), (by_mail, True), (stranger, False)]:
        (fresh,) = coupons(endless, member, 1)
        assert (reason(fresh, member) == "coupon_member_limit") is refused
    assert not UseTally.objects.filter(whose__contains="0050").exists()
    assert not UseTally.objects.filter(whose__icontains="example").exists()


def test_c11_two_memberships_that_become_one_have_one_limit(dana, endless):
    CouponTemplate.objects.update(limit_member=2)
    stays, goes = make_member(60), make_member(61)
    one, spare = coupons(endless, stays, 2)
    two = coupons(endless, goes, 1)[0]
    hold(one)
    order = hold(two)
    assert reason(spare, stays) is None

    merge_members(
        winner_id=stays.pk, loser_id=goes.pk, reason="same", actor=dana, now=NOON
    )

    assert reason(spare, stays) == "coupon_member_limit"
    assert counters()
    release_order(order_id=order.pk)
    assert reason(spare, stays) is None
    assert counters()


def test_c2_what_both_claimed_counts_after_a_merge(dana, endless):
    CouponTemplate.objects.update(per_member_limit=2)
    stays, goes = make_member(62), make_member(63)
    for member in (stays, goes):
        coupon = claim_coupon(template=endless.public_id, member_id=member.pk, now=NOON)
        use_coupons(order_id=hold(coupon).pk, now=NOON)
    merge_members(
        winner_id=stays.pk, loser_id=goes.pk, reason="same", actor=dana, now=NOON
    )
    with pytest.raises(CouponAlreadyClaimed):
        claim_coupon(template=endless.public_id, member_id=stays.pk, now=NOON)
    assert Coupon.objects.filter(member=stays).count() == 2


# --- First orders (C12) -------------------------------------------------------


@pytest.mark.parametrize(
    ("_case", "state", "is_refused"),
    [
        ("not paid", "pending", False),
        ("cancelled", "cancelled", False),
        ("paid", "paid", True),
        ("completed", "completed", True),
        ("fully refunded", "refunded", False),
    ],
)
def test_c12_a_first_order_looks_at_paid_orders_that_stand(
    _case, state, is_refused, alice, endless
):
    CouponTemplate.objects.update(for_first_order=True)
    (coupon,) = coupons(endless, alice, 1)
    order_of(alice, state=state)
    assert (reason(coupon, alice) == "coupon_first_order_only") is is_refused
    if is_refused:
        with pytest.raises(UseLimitReached):
            hold(coupon)
    else:
        hold(coupon)


def test_c12_a_guest_who_paid_has_bought_before(endless):
    CouponTemplate.objects.update(for_first_order=True)
    guest = order_of(None, state="paid")
    OrderAddress.objects.create(
        order=guest, recipient="王静", phone="13800000077", country="CN", street="1"
    )
    assert note_buyer(order_id=guest.pk) == note_buyer(order_id=guest.pk) == 1

    joined = make_member(70, phone="+8613800000077")
    (coupon,) = coupons(endless, joined, 1)
    assert reason(coupon, joined) == "coupon_first_order_only"
    Order.objects.filter(pk=guest.pk).update(state="refunded")
    assert reason(coupon, joined) is None


def test_c12_two_first_orders_at_once_are_one(alice, endless):
    CouponTemplate.objects.update(for_first_order=True)
    first, second = coupons(endless, alice, 2)
    hold(first)
    assert reason(second, alice) == "coupon_first_order_only"
    with pytest.raises(UseLimitReached):
        hold(second)


def another(template):
    """Return a second template of coupons for a first order."""
    fields = {
        "code": "other",
        "name": "另一张",
        "for_first_order": True,
        "state": "live",
    }
    return CouponTemplate.objects.create(
        kind="amount", amount_minor=500, starts_at=template.starts_at, **fields
    )


def test_c12_first_orders_by_coupons_of_two_kinds_are_one(alice, bob, endless):
    CouponTemplate.objects.update(for_first_order=True)
    (first,) = coupons(endless, alice, 1)
    (second,) = coupons(another(endless), alice, 1)
    (bobs,) = coupons(endless, bob, 1)
    unpaid = hold(first)
    assert reason(second, alice) == "coupon_first_order_only"
    assert reason(bobs, bob) is None
    with pytest.raises(UseLimitReached) as refused:
        hold(second)
    assert refused.value.code == "coupon_first_order_only"
    assert Coupon.objects.filter(state="held").count() == 1

    Order.objects.filter(pk=unpaid.pk).update(state="cancelled")
    release_order(order_id=unpaid.pk)
    assert reason(second, alice) is None
    hold(second)
    hold(bobs)
    assert counters()


def test_c12_two_who_are_one_have_one_first_order(alice, bob, endless):
    CouponTemplate.objects.update(for_first_order=True)
    (hers,) = coupons(endless, alice, 1)
    (his,) = coupons(another(endless), bob, 1)
    hold(hers)
    hold(his)
    merge_members(
        winner_id=alice.pk, loser_id=bob.pk, reason="same", actor="dana", now=NOON
    )
    third = issue_coupon(
        template_id=endless.pk, member_id=alice.pk, source="third", now=NOON
    )
    assert reason(third, alice) == "coupon_first_order_only"
    assert counters()


def test_c23_for_a_first_order_is_promised_with_the_coupon(alice, endless):
    (free,) = coupons(endless, alice, 1)
    order_of(alice, state="paid")
    CouponTemplate.objects.update(for_first_order=True)
    endless.refresh_from_db()
    assert endless.version == 2
    bound = issue_coupon(
        template_id=endless.pk, member_id=alice.pk, source="later", now=NOON
    )
    # Both in one cart: each by what it was given with.
    asked = PriceRequest(
        lines=(),
        currency="CNY",
        now=NOON,
        member_id=alice.pk,
        coupon_codes=(free.code, bound.code),
    )
    offers, refused = CouponOffers().offers_for(asked)
    assert [each.source_id for each in offers] == [free.public_id]
    assert [(each, why.code) for each, _name, why in refused] == [
        (bound.public_id, "coupon_first_order_only")
    ]
    hold(free)
    with pytest.raises(UseLimitReached):
        hold(bound)
    CouponTemplate.objects.update(for_first_order=False)
    assert reason(bound, alice) == "coupon_first_order_only"


def test_c23_coupons_of_one_template_beside_a_cart_are_told_one_by_one(alice, endless):
    (free,) = coupons(endless, alice, 1)
    order_of(alice, state="paid")
    CouponTemplate.objects.update(for_first_order=True)
    bound = issue_coupon(
        template_id=endless.pk, member_id=alice.pk, source="later", now=NOON
    )
    make_variant("TEA", 20_000, on_hand=10)
    cart = fill_cart({"TEA": 1}, member=alice)
    choices = coupons_for_cart(cart=cart, member_id=alice.pk, now=NOON)
    assert {each.coupon.pk: each.why and each.why.code for each in choices} == {
        free.pk: None,
        bound.pk: "coupon_first_order_only",
    }


# --- Budgets (C22) ------------------------------------------------------------


@pytest.fixture
def budget(endless):
    found = Budget.objects.create(name="spring", amount_minor=5000)
    CouponTemplate.objects.update(budget=found)
    return found


def money(budget):
    budget.refresh_from_db()
    return (budget.reserved_minor, budget.spent_minor)


def test_c22_a_budget_is_reserved_spent_and_given_back(alice, budget, endless):
    first, second, third = coupons(endless, alice, 3)
    paid = hold(first)
    assert money(budget) == (2000, 0)
    unpaid = hold(second)
    use_coupons(order_id=paid.pk, now=NOON)
    use_coupons(order_id=paid.pk, now=NOON)
    assert money(budget) == (2000, 2000)
    with pytest.raises(BudgetExhausted):
        hold(third)
    assert money(budget) == (2000, 2000)

    release_order(order_id=unpaid.pk)
    release_order(order_id=unpaid.pk)
    assert money(budget) == (0, 2000)

    Order.objects.filter(pk=paid.pk).update(state="refunded")
    assert return_order(order_id=paid.pk, now=NOON) == 1
    assert return_order(order_id=paid.pk, now=NOON) == 0
    assert money(budget) == (0, 0)


def test_c22_a_new_quote_adjusts_the_reservation(alice, budget, endless):
    (coupon,) = coupons(endless, alice, 1)
    order = hold(coupon)
    hold(coupon, order, discount_minor=5000)
    assert money(budget) == (5000, 0)
    with pytest.raises(BudgetExhausted):
        hold(coupon, order, discount_minor=5001)
    hold(coupon, order, discount_minor=1500)
    assert money(budget) == (1500, 0)
    coupon.refresh_from_db()
    assert (coupon.discount_minor, coupon.budget) == (1500, budget)


def test_c22_a_template_given_another_budget_leaves_reservations(
    alice, budget, endless
):
    (coupon,) = coupons(endless, alice, 1)
    order = hold(coupon)
    other = Budget.objects.create(name="autumn", amount_minor=1)
    CouponTemplate.objects.update(budget=other)
    use_coupons(order_id=order.pk, now=NOON)
    assert (money(budget), money(other)) == ((0, 2000), (0, 0))


def test_r12_a_coupon_that_stays_used_stays_spent(alice, budget, endless):
    CouponTemplate.objects.update(returns=False, limit_member=1)
    (coupon,) = coupons(endless, alice, 1)
    order = hold(coupon)
    use_coupons(order_id=order.pk, now=NOON)
    Order.objects.filter(pk=order.pk).update(state="refunded")
    assert return_order(order_id=order.pk, now=NOON) == 0
    assert return_order(order_id=order.pk, now=NOON) == 0
    coupon.refresh_from_db()
    assert (money(budget), coupon.state) == ((0, 2_000), Coupon.State.USED)
    assert UseTally.objects.filter(used=1).count() == 1, "the use counts on"


def test_c10_an_expired_coupon_comes_back_for_its_days_of_grace(alice, endless):
    CouponTemplate.objects.update(grace_days=3)
    (coupon,) = coupons(endless, alice, 1)
    order = hold(coupon)
    use_coupons(order_id=order.pk, now=NOON)
    Order.objects.filter(pk=order.pk).update(state="refunded")
    late = NOON + 60 * DAY
    assert return_order(order_id=order.pk, now=late) == 1
    coupon.refresh_from_db()
    # The end of the third day after in Shanghai.
    assert coupon.expires_at == late + 3 * DAY + timedelta(hours=12)
    assert (coupon.state, coupon.used_at) == (Coupon.State.AVAILABLE, None)


# --- Taking back a hold (C7) --------------------------------------------------


def test_c7_a_coupon_leaves_an_unpaid_order_which_is_cancelled(alice, budget, endless):
    CouponTemplate.objects.update(limit_member=1)
    (coupon,) = coupons(endless, alice, 1)
    first = hold(coupon)
    assert reason(coupon, alice) == "coupon_held"

    freed = take_back_hold(coupon=coupon.public_id, member_id=alice.pk, now=NOON)

    first.refresh_from_db()
    assert (first.state, freed.state) == (Order.State.CANCELLED, "available")
    assert money(budget) == (0, 0)
    assert reason(coupon, alice) is None
    second = hold(coupon)
    # The news of the first order come late and change nothing.
    release_order(order_id=first.pk)
    coupon.refresh_from_db()
    assert (coupon.order, money(budget)) == (second, (2000, 0))


def test_c7_not_from_a_paid_order_nor_by_anybody_else(alice, mallory, endless):
    used, free = coupons(endless, alice, 2)
    order = hold(used)
    use_coupons(order_id=order.pk, now=NOON)
    for coupon in (used, free):
        with pytest.raises(CouponNotHeld):
            take_back_hold(coupon=coupon.public_id, member_id=alice.pk, now=NOON)
        with pytest.raises(CouponUnknown):
            take_back_hold(coupon=coupon.public_id, member_id=mallory.pk, now=NOON)
    order.refresh_from_db()
    assert order.state == Order.State.PENDING
