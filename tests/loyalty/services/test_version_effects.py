"""What a version costs a year, and who must agree to one that costs many a tier."""

import random
from collections import defaultdict
from datetime import timedelta

import pytest

from crm.shared.approvals import SamePerson, approve
from crm.shared.errors import Refusal
from crm.shared.models import Approval
from loyalty.models import (
    Ladder,
    LadderVersion,
    PointsAccount,
    PointsEntry,
    Program,
    Tier,
    VersionRung,
)
from loyalty.queries.what_if import what_if
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.posting import open_accounts
from loyalty.services.versioning import (
    ChangedSinceAsked,
    VersionWaits,
    begin_draft,
    discard_draft,
    publish_version,
    settle_version,
)
from orders.models import OrderLine, Price
from tests.cast import NOON, make_member, make_user
from tests.loyalty.books import account_of, paid_order, refund

DAY = timedelta(days=1)


def draft(thresholds=(), *, multipliers=(), **terms):
    version = begin_draft(
        ladder_id=Ladder.objects.get(code="main").pk, actor="test", now=NOON
    )
    LadderVersion.objects.filter(pk=version.pk).update(**{"falls": "at_once", **terms})
    for code, value in dict(thresholds).items():
        VersionRung.objects.filter(code=code).update(threshold_minor=value)
    for code, value in dict(multipliers).items():
        VersionRung.objects.filter(code=code).update(multiplier_bp=value)
    version.refresh_from_db()
    return version


def bought(member, net_minor, *, at=NOON - 10 * DAY):
    order = paid_order(member, net_minor, at=at)
    earn_for_order(order_id=order.pk, now=at)
    return order


# --- What it costs ----------------------------------------------------------------


@pytest.fixture
def gold(alice):
    """Gold since a year and a half, with 1,000.00 of goods bought in the last one."""
    bought(alice, 100_000, at=NOON - 500 * DAY)
    bought(alice, 100_000)
    assert account_of(alice).tier.code == "gold"
    return alice


def test_a_year_of_points_is_told_with_the_multiplier_of_then(gold):
    found = what_if(draft({"gold": 300_000}), at=NOON)
    # 1,000 points at 1.5; silver earns 1.2 of them; what is older does not count.
    assert (found.falling, found.cost.points) == (1, -300)
    assert found.cost.total_minor == -300


def test_points_are_worth_what_the_program_says(gold):
    Program.objects.update(redeem_minor_per_100=50)
    cost = what_if(draft({"gold": 300_000}), at=NOON).cost
    assert (cost.points, cost.points_minor) == (-300, -150)


def test_who_stays_costs_more_where_the_tier_brings_more(gold):
    found = what_if(draft(multipliers={"gold": 20_000}), at=NOON)
    assert (found.rising, found.falling, found.cost.points) == (0, 0, 500)


def test_what_was_taken_back_was_not_earned(gold):
    order = bought(gold, 50_000, at=NOON - 5 * DAY)
    back = refund(order, 50_000, at=NOON - 4 * DAY, is_last=True)
    settle_refund(refund_id=back.pk, now=NOON - 4 * DAY)
    assert what_if(draft({"gold": 300_000}), at=NOON).cost.points == -300


def test_prices_of_tiers_count_for_who_changes_tier(gold):
    line = OrderLine.objects.get(order__paid_at=NOON - 10 * DAY)
    OrderLine.objects.filter(pk=line.pk).update(
        quantity=4, unit_price_minor=25_000, refunded_quantity=2
    )
    for audience, amount in (("tier:gold", 60), ("tier:silver", 90), ("member", 95)):
        Price.objects.create(
            variant=line.variant,
            kind="member",
            audience=audience,
            amount_minor=amount,
            starts_at=NOON - DAY,
            created_at=NOON,
        )
    cost = what_if(draft({"gold": 300_000}), at=NOON).cost
    assert cost.prices_minor == -2 * 30, "two units kept, 0.30 dearer each"
    assert cost.total_minor == -360
    assert what_if(draft(), at=NOON).cost.prices_minor == 0


def test_a_club_brings_no_multiplier(gold):
    club = Ladder.objects.create(code="club", name="Club", metric="none")
    Tier.objects.create(
        ladder=club, code="inner", name="Inner", threshold_minor=0, multiplier_bp=20_000
    )
    version = begin_draft(ladder_id=club.pk, actor="test", now=NOON)
    assert what_if(version, at=NOON).cost.total_minor == 0


@pytest.mark.parametrize("seed", range(3))
def test_costs_of_many_are_those_of_a_small_model(db, seed):
    dice = random.Random(seed)
    for serial in range(1, 26):
        member = make_member(serial, joined_at=NOON - 900 * DAY)
        for _order in range(dice.randrange(4)):
            at = NOON - dice.randrange(1, 700) * DAY
            bought(member, dice.choice([1_010, 60_050, 500_030]), at=at)
        open_accounts(member_ids=[member.pk], now=NOON)
    version = draft({"silver": 30_000, "gold": 400_000}, multipliers={"member": 11_000})

    found = what_if(version, at=NOON)

    before = {tier.pk: tier.multiplier_bp for tier in Tier.objects.all()}
    held = dict(PointsAccount.objects.values_list("pk", "tier_id"))
    publish_version(version_id=version.pk, actor="test", reason="x", now=NOON)
    after = 0
    while after is not None:
        after = settle_version(version_id=version.pk, after=after, limit=9)
    multipliers = {tier.pk: tier.multiplier_bp for tier in Tier.objects.all()}
    then = dict(PointsAccount.objects.values_list("pk", "tier_id"))
    base = defaultdict(float)
    for entry in PointsEntry.objects.filter(occurred_at__gt=NOON - 365 * DAY):
        base[entry.account_id] += entry.points * 10_000 / entry.trace["multiplier_bp"]
    expected = sum(
        points * (multipliers[then[pk]] - before[held[pk]]) / 10_000
        for pk, points in base.items()
    )
    # Points of a class are summed up whole, so each of them may be half a point off.
    assert found.cost.points == pytest.approx(expected, abs=4)
    assert found.cost.points != 0


# --- Four eyes --------------------------------------------------------------------


@pytest.fixture
def three(db, settings):
    """Three members who are gold by what they bought; one may lose it unasked."""
    settings.LADDER_FALL_LIMIT = 1
    for serial in range(1, 4):
        bought(make_member(serial), 150_000)
    return [make_user("ann", is_staff=True), make_user("ben", is_staff=True)]


def publish(version, who, now=NOON):
    return publish_version(version_id=version.pk, actor=who, reason="spring", now=now)


def threshold():
    return Tier.objects.get(code="gold").threshold_minor


def test_a_version_that_costs_many_their_tier_waits_for_somebody_else(three):
    ann, ben = three
    version = draft({"gold": 300_000})
    asked = publish(version, ann)
    assert isinstance(asked, Approval)
    assert (asked.params["losing"], threshold()) == (3, 100_000)
    assert publish(version, ann).pk == asked.pk, "asked again it is the same asking"
    with pytest.raises(VersionWaits):
        discard_draft(version_id=version.pk, actor=ann, now=NOON)
    with pytest.raises(SamePerson):
        approve(approval_id=asked.pk, decider=ann, now=NOON)
    assert threshold() == 100_000

    approve(approval_id=asked.pk, decider=ben, now=NOON + DAY)

    version.refresh_from_db()
    assert (version.state, threshold()) == ("live", 300_000)


@pytest.mark.parametrize("falls", ["at_once", "at_term_end", "keep"])
def test_however_gently_they_fall(three, falls):
    version = draft({"gold": 300_000}, falls=falls, keep_until=NOON + 90 * DAY)
    assert isinstance(publish(version, three[0]), Approval)


@pytest.mark.parametrize(
    ("limit", "thresholds", "asks"),
    [
        (3, {"gold": 300_000}, False),
        (2, {"gold": 300_000}, True),
        (0, {"gold": 90_000}, False),
        (-1, {}, True),
    ],
)
def test_the_limit_is_how_many_may_fall_unasked(
    three, settings, limit, thresholds, asks
):
    settings.LADDER_FALL_LIMIT = limit
    made = publish(draft(thresholds), three[0])
    assert isinstance(made, Approval) is asks


def test_what_was_changed_meanwhile_is_not_published_by_it(three):
    ann, ben = three
    version = draft({"gold": 300_000})
    asked = publish(version, ann)
    VersionRung.objects.filter(code="platinum").update(multiplier_bp=90_000)
    with pytest.raises(ChangedSinceAsked):
        approve(approval_id=asked.pk, decider=ben, now=NOON)
    version.delete()
    with pytest.raises(ChangedSinceAsked):
        approve(approval_id=asked.pk, decider=ben, now=NOON)
    assert threshold() == 100_000


def test_a_later_day_stands_after_approval(three):
    ann, ben = three
    version = draft({"gold": 300_000}, starts_at=NOON + 5 * DAY)
    approve(approval_id=publish(version, ann).pk, decider=ben, now=NOON + DAY)
    version.refresh_from_db()
    assert (version.state, threshold()) == ("scheduled", 100_000)


def test_what_nobody_decided_on_in_time_can_be_asked_again(three):
    version = draft({"gold": 300_000})
    first = publish(version, three[0])
    later = NOON + 8 * DAY
    again = publish(version, three[0], now=later)
    assert again.pk != first.pk
    with pytest.raises(Refusal):
        approve(approval_id=first.pk, decider=three[1], now=later)
