"""Stories of benefits: who has them, using them, gifts, sanctions."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from campaigns.models import Coupon, CouponTemplate
from crm.shared.models import AuditEntry, Delivery, Fact
from crm.shared.outbox import drain, record
from loyalty.models import Benefit, BenefitTally, BenefitUse
from loyalty.queries.benefits import best_number, held_benefits
from loyalty.services.earning import earn_for_order
from loyalty.services.ending_redemptions import cancel_redemption
from loyalty.services.giving_benefits import (
    give_birthday_gifts,
    give_drips,
    give_upgrade_gifts,
)
from loyalty.services.reward_kinds import RewardIncomplete, RewardUsed
from loyalty.services.sanctioning import (
    SanctionReasonMissing,
    lift_sanction,
    sanction_benefit,
)
from loyalty.services.using_benefits import (
    BenefitNotHeld,
    BenefitUsedUp,
    return_use,
    use_benefit,
)
from members.services.merging import merge_members
from orders.events import OrderRefunded
from tests.cast import NOON, make_member, put_in_state
from tests.loyalty.books import account_of, assert_sound, ladder_with, paid_order
from tests.loyalty.catalogue import (
    give,
    make_benefit,
    make_reward,
    put_in_tier,
    redeem,
)

pytestmark = pytest.mark.django_db
TOMORROW = NOON + timedelta(days=1)
GOLD = {"audience": "tier:gold", "quota": 4, "number": 2}


def use(member, source="order:1", *, benefit="freight", now=NOON, **told):
    return use_benefit(
        benefit=benefit, member_id=member.pk, source=source, now=now, **told
    )


def left(member, at=NOON) -> dict[str, int | None]:
    return {held.benefit.code: held.left for held in held_benefits(member.pk, at)}


def born(serial: int, birthday: str):
    return make_member(
        serial, birthday=birthday, birth_month=int(birthday[5:7]), joined_at=JOINED
    )


JOINED = datetime(2024, 3, 5, 4, tzinfo=UTC)


# --- Who has what -------------------------------------------------------------


def test_t18_tier_plan_and_rule_are_a_union_of_the_better_numbers(alice, bob):
    rich = {"field": "loyalty.spend", "is": "gte", "value": 100_000}
    make_benefit("freight", GOLD, {"audience": "", "quota": 1, "number": 5})
    make_benefit("line", {"condition": rich})
    put_in_tier(alice, "gold")

    (freight,) = held_benefits(alice.pk, NOON)

    assert (freight.right.quota, freight.right.number) == (4, 5)
    assert freight.right.because == ("tier:gold", "")
    assert left(bob) == {"freight": 1}


def test_t18_the_best_number_of_a_kind(alice):
    make_benefit("a", {"number": 12}, kind="points_term")
    make_benefit("b", {"number": 24}, kind="points_term")
    assert best_number(alice.pk, "points_term", NOON) == 24
    assert best_number(alice.pk, "early_access", NOON) == 0


def test_what_a_member_has_costs_the_same_for_many_benefits(
    alice, django_assert_max_num_queries
):
    for code in ("a", "b", "c"):
        make_benefit(code, GOLD, {"condition": {"field": "member.city", "is": "known"}})
    with django_assert_max_num_queries(9):
        held_benefits(alice.pk, NOON)


# --- Using --------------------------------------------------------------------


def test_x5_a_quota_is_used_up_and_begins_anew_with_its_period(alice):
    make_benefit("freight", {"quota": 2})
    use(alice, "order:1")
    use(alice, "order:2")
    with pytest.raises(BenefitUsedUp) as refusal:
        use(alice, "order:3")
    assert refusal.value.params == {"until": "2026-11-30"}
    use(alice, "order:3", now=NOON + timedelta(days=10))
    assert BenefitUse.objects.count() == 3


def test_x1_a_source_uses_once_also_in_another_period(alice):
    make_benefit("freight", {"quota": 2})
    first = use(alice)
    assert use(alice).pk == first.pk
    assert use(alice, now=NOON + timedelta(days=10)).pk == first.pk
    assert left(alice) == {"freight": 1}


def test_a_refund_gives_the_use_back_once(alice):
    make_benefit("freight", {"quota": 1})
    told = {"benefit_use": use(alice).public_id, "now": TOMORROW}
    assert [return_use(**told), return_use(**told)] == [True, False]
    assert left(alice) == {"freight": 1}
    use(alice, "order:2")


def test_an_order_that_came_to_nothing_gives_its_uses_back_once(alice):
    order = paid_order(alice, 10_000)
    make_benefit("freight", {"quota": 1})
    use(alice, f"order:{order.public_id}")
    for _ in range(2):
        record(OrderRefunded(order_id=order.pk))
        drain(now=NOON)
    assert left(alice) == {"freight": 1}
    assert not Delivery.objects.filter(state="stuck").exists()


def test_who_has_no_right_to_it_uses_nothing(alice):
    make_benefit("freight", GOLD)
    make_benefit("gone", {}, is_active=False)
    for code in ("freight", "gone", "nosuch"):
        with pytest.raises(BenefitNotHeld):
            use(alice, benefit=code)


def test_uses_of_staff_are_audited(alice, dana):
    make_benefit("lounge", {})
    use(alice, "staff:1", benefit="lounge", actor=dana, reason="at the desk")
    assert AuditEntry.objects.get().action == "benefits.use"


# --- Sanctions ----------------------------------------------------------------


def test_a_sanction_takes_a_benefit_away_until_it_ends_or_is_lifted(alice, dana):
    benefit = make_benefit("freight", {"quota": 2})
    told = {"benefit_id": benefit.pk, "member_id": alice.pk, "actor": dana}
    with pytest.raises(SanctionReasonMissing):
        sanction_benefit(**told, reason=" ", until=None, now=NOON)
    sanction = sanction_benefit(
        **told, reason="Sold deliveries", until=TOMORROW, now=NOON
    )
    assert left(alice) == {}
    with pytest.raises(BenefitNotHeld):
        use(alice)
    assert left(alice, TOMORROW) == {"freight": 2}
    lift = {"sanction_id": sanction.pk, "actor": dana, "now": NOON}
    assert [lift_sanction(**lift), lift_sanction(**lift)] == [True, False]
    assert left(alice) == {"freight": 2}
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["benefits.sanction", "benefits.lift"]


# --- Bought uses --------------------------------------------------------------


def test_a_use_for_points_stands_beside_the_quota(alice):
    give(alice, 1_000)
    benefit = make_benefit("freight", {"quota": 1})
    reward = make_reward(500, kind="benefit", benefit=benefit, refundable_days=60)
    first, second = redeem(alice, reward), redeem(alice, reward)
    assert left(alice) == {"freight": 3}
    told = {"member_id": alice.pk, "now": NOON}
    cancel_redemption(redemption=first.public_id, **told)
    for number in range(2):
        use(alice, f"order:{number}")
    assert left(alice) == {"freight": 0}
    with pytest.raises(RewardUsed):
        cancel_redemption(redemption=second.public_id, **told)
    with pytest.raises(BenefitUsedUp):
        use(alice, "order:9")


def test_a_bought_use_of_a_period_that_is_over_is_gone(alice):
    give(alice, 500)
    benefit = make_benefit("freight", GOLD)
    reward = make_reward(500, kind="benefit", benefit=benefit, refundable_days=60)
    redemption = redeem(alice, reward)
    assert left(alice) == {"freight": 1}
    with pytest.raises(RewardUsed):
        cancel_redemption(
            redemption=redemption.public_id,
            member_id=alice.pk,
            now=NOON + timedelta(days=10),
        )


def test_a_use_that_could_not_be_used_is_not_sold(alice, dana):
    """Of no benefit that is over, nor to who is under a sanction or beyond the quota."""
    give(alice, 500)
    benefit = make_benefit("freight", GOLD)
    reward = make_reward(500, kind="benefit", benefit=benefit)
    put_in_tier(alice, "gold")
    for number in range(GOLD["quota"]):
        use(alice, f"order:{number}")
    put_in_tier(alice, "silver")
    with pytest.raises(BenefitUsedUp):
        redeem(alice, reward)
    BenefitUse.objects.update(state="returned", returned_at=NOON)
    BenefitTally.objects.update(used=0)
    sanction_benefit(
        benefit_id=benefit.pk,
        member_id=alice.pk,
        reason="abuse",
        until=NOON + timedelta(hours=1),
        actor=dana,
        now=NOON,
    )
    with pytest.raises(BenefitNotHeld):
        redeem(alice, reward)
    Benefit.objects.update(is_active=False)
    after = NOON + timedelta(hours=1)
    with pytest.raises(RewardIncomplete):
        redeem(alice, reward, now=after)
    assert account_of(alice).balance == 500
    Benefit.objects.update(is_active=True)
    redeem(alice, reward, now=after)
    assert_sound()


def test_a_sanction_does_not_use_up_what_was_bought(alice, dana):
    give(alice, 500)
    benefit = make_benefit("freight", {"quota": 1})
    reward = make_reward(500, kind="benefit", benefit=benefit, refundable_days=7)
    redemption = redeem(alice, reward)
    use(alice, "order:1")
    sanction_benefit(
        benefit_id=benefit.pk,
        member_id=alice.pk,
        reason="abuse",
        until=None,
        actor=dana,
        now=NOON,
    )
    cancel_redemption(redemption=redemption.public_id, member_id=alice.pk, now=NOON)
    assert account_of(alice).balance == 500


# --- Gifts --------------------------------------------------------------------


def test_t5_a_birthday_gift_is_given_once_a_cycle(db):
    make_benefit("cake", {"number": 88}, kind="birthday_gift", period="cycle")
    today, leap = born(11, "1990-11-21"), born(12, "1992-02-29")
    other, unknown = born(13, "1990-11-22"), make_member(14)
    assert give_birthday_gifts(now=NOON) == 1
    assert give_birthday_gifts(now=NOON) == 0
    assert account_of(today).balance == 88
    # Three days are looked back on, and a gift is dated in the cycle of its day.
    assert give_birthday_gifts(now=NOON + timedelta(days=3)) == 1
    assert account_of(other).balance == 88
    in_2027 = datetime(2027, 2, 28, 4, tzinfo=UTC)
    assert give_birthday_gifts(now=in_2027) == 1
    assert account_of(leap).balance == 88
    assert give_birthday_gifts(now=NOON.replace(year=2027)) == 1
    assert account_of(today).balance == 176
    assert not BenefitUse.objects.filter(member=unknown).exists()
    assert_sound()


def test_t5_who_changes_the_birthday_gets_no_second_gift_in_the_cycle(db):
    make_benefit("cake", {"number": 88}, kind="birthday_gift", period="cycle")
    member = born(11, "1990-11-21")
    give_birthday_gifts(now=NOON)
    member.birthday, member.birth_month = "1990-12-01", 12
    member.save()
    assert give_birthday_gifts(now=datetime(2026, 12, 1, 4, tzinfo=UTC)) == 0


@pytest.mark.parametrize("period", ["year", "cycle"])
def test_t5_a_birthday_moved_into_the_next_period_brings_no_second_gift(db, period):
    make_benefit("cake", {"number": 88}, kind="birthday_gift", period=period)
    new_year = datetime(2027, 1, 1, 4, tzinfo=UTC)
    member = make_member(
        11,
        birthday="1990-12-31",
        birth_month=12,
        joined_at=new_year.replace(year=2020),
    )
    assert give_birthday_gifts(now=new_year - timedelta(days=1)) == 1
    member.birthday, member.birth_month = "1990-01-02", 1
    member.save()
    assert give_birthday_gifts(now=new_year + timedelta(days=1)) == 0
    assert give_birthday_gifts(now=datetime(2028, 1, 2, 4, tzinfo=UTC)) == 1


def test_t5_an_upgrade_gift_is_given_once_per_tier_and_cycle(alice):
    make_benefit(
        "welcome",
        {"audience": "tier:silver", "number": 50},
        {"audience": "tier:gold", "number": 100},
        kind="upgrade_gift",
        period="cycle",
    )
    told = {"member_id": alice.pk, "now": NOON}
    put_in_tier(alice, "silver")
    assert give_upgrade_gifts(**told, tier_code="silver") == 1
    put_in_tier(alice, "gold")
    assert give_upgrade_gifts(**told, tier_code="gold") == 1
    # A fall and a new rise within the cycle.
    put_in_tier(alice, "silver")
    put_in_tier(alice, "gold")
    assert give_upgrade_gifts(**told, tier_code="gold") == 0
    assert account_of(alice).balance == 150
    after = NOON + timedelta(days=366)
    assert give_upgrade_gifts(member_id=alice.pk, now=after, tier_code="gold") == 1


def upgrade_gifts(alice):
    given = BenefitUse.objects.filter(member=alice)
    return sorted(given.values_list("benefit__code", flat=True))


@pytest.mark.parametrize(
    ("of_skipped", "gifts"), [(True, ["up_gold", "up_silver"]), (False, ["up_gold"])]
)
def test_t4_gifts_of_skipped_tiers_are_given_if_the_ladder_says_so(
    alice, of_skipped, gifts
):
    ladder_with(gifts_of_skipped=of_skipped)
    for code in ("silver", "gold"):
        grant = {"audience": f"tier:{code}", "number": 50}
        make_benefit(f"up_{code}", grant, kind="upgrade_gift")
    earn_for_order(order_id=paid_order(alice, 100_000).pk, now=NOON)
    drain(now=NOON)
    assert upgrade_gifts(alice) == gifts


@pytest.mark.parametrize("at_once", [True, False])
def test_t4_x2_an_upgrade_gift_is_of_the_tier_that_was_reached(alice, at_once):
    for code in ("silver", "gold"):
        grant = {"audience": f"tier:{code}", "number": 50}
        make_benefit(f"up_{code}", grant, kind="upgrade_gift")
    for at in (NOON, NOON + timedelta(days=1)):
        earn_for_order(order_id=paid_order(alice, 60_000, at=at).pk, now=at)
        if at_once:
            drain(now=at)
    drain(now=NOON + timedelta(days=1))
    assert upgrade_gifts(alice) == ["up_gold", "up_silver"]


def test_a_drip_gives_a_coupon_every_period_to_whoever_has_it(alice, bob):
    template = CouponTemplate.objects.create(
        name="Ten off", kind="amount", amount_minor=1_000, state="live", starts_at=NOON
    )
    make_benefit(
        "drip", GOLD, kind="coupon_drip", period="month", template=template.public_id
    )
    put_in_tier(alice, "gold")
    put_in_state(bob, "frozen")

    assert [give_drips(now=NOON), give_drips(now=TOMORROW)] == [1, 0]
    drain(now=NOON)
    assert give_drips(now=NOON + timedelta(days=10)) == 1

    coupon = Coupon.objects.get()
    assert (coupon.member, coupon.source) == (
        alice,
        f"benefit:{BenefitUse.objects.order_by('pk').first().pk}",
    )
    assert Fact.objects.filter(name="loyalty.BenefitDue").count() == 2
    tallies = BenefitTally.objects.order_by("period_start")
    assert list(tallies.values_list("period_start", "used")) == [
        (date(2026, 11, 1), 1),
        (date(2026, 12, 1), 1),
    ]


def test_t5_who_was_two_has_one_birthday_a_cycle(dana):
    """The birthday came to the one who stays with the merge, its gift before."""
    stays = make_member(951, joined_at=NOON - timedelta(days=300))
    goes = born(952, "1990-11-21")
    make_benefit("cake", {"number": 88}, kind="birthday_gift", period="year")
    assert give_birthday_gifts(now=NOON) == 1
    merge_members(
        winner_id=stays.pk,
        loser_id=goes.pk,
        take=["birthday"],
        actor=dana,
        reason="one person",
        now=NOON,
    )
    assert give_birthday_gifts(now=NOON + timedelta(days=1)) == 0
    assert give_birthday_gifts(now=NOON.replace(year=2027)) == 1


@pytest.mark.parametrize("period", ["month", "quarter"])
def test_t5_no_birthday_is_counted_by_less_than_a_year(db, period):
    cake = make_benefit("cake", {"number": 88}, kind="birthday_gift", period="year")
    cake.period = period
    with pytest.raises(ValidationError, match="calendar year or year of membership"):
        cake.full_clean()


def test_gifts_of_a_thousand_cost_no_more_statements_than_those_of_two(
    db, django_assert_max_num_queries
):
    make_benefit("cake", {"number": 5}, kind="birthday_gift", period="year")
    for serial in range(20, 50):
        born(serial, "1990-11-21")
    with django_assert_max_num_queries(32):
        assert give_birthday_gifts(now=NOON) == 30
    assert_sound()
