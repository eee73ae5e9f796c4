"""The rewards catalogue as a member sees it, and what staff have to send."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BigIntegerField, Count, Q, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, TruncMonth

from crm.shared.conditions import Vocabulary, read_condition
from loyalty.models import Benefit, Reward, RewardPrice, RewardRedemption
from loyalty.queries.benefits import best_number
from loyalty.queries.marks import facts_for, marks_of
from loyalty.rules.rewards import STANDING, Door, PriceRow, door, price_of
from members.conditions import member_vocabulary

#: No benefit opens a reward longer before its start.
MOST_EARLY = timedelta(days=30)
_AMOUNT = Cast(KT("terms__amount_minor"), BigIntegerField())


@dataclass(frozen=True, slots=True)
class ShownReward:
    """A reward and what it costs whoever asks."""

    reward: Reward
    points: int
    #: In money besides the points, in minor units.
    price_minor: int = 0


def rewards_on_offer(at: datetime) -> QuerySet[Reward]:
    """Return what can be had at ``at`` by whom it is meant for, cheapest first.

    With it comes what begins soon: a benefit may let a member have it already.
    """
    return (
        Reward.objects.filter(
            Q(ends_at__isnull=True) | Q(ends_at__gt=at),
            is_active=True,
            starts_at__lte=at + MOST_EARLY,
        )
        .select_related("variant", "benefit")
        .prefetch_related("prices")
        .order_by("points", "id")
    )


def shown_rewards(*, member_id: int, at: datetime) -> list[ShownReward]:
    """Return the catalogue of a member with their prices, in a few statements.

    What is all gone stays to be seen, so that nobody looks for it; what has begun
    does not.
    """
    ahead = rewards_on_offer(at).exclude(seat_at__lte=at)
    return _shown(list(ahead.defer("picture")), member_id, at)


def shown_reward(*, public_id: str, member_id: int, at: datetime) -> ShownReward | None:
    """Return one reward of a member's catalogue, or None."""
    rewards = rewards_on_offer(at).filter(public_id=public_id).defer("picture")
    return next(iter(_shown(list(rewards), member_id, at)), None)


def _shown(
    rewards: Sequence[Reward], member_id: int, at: datetime
) -> list[ShownReward]:
    rewards = _open_to(rewards, member_id, at)
    vocabulary = member_vocabulary(at)
    visible = {each.pk: read_condition(each.condition, vocabulary) for each in rewards}
    tables = {
        each.pk: [price_row_of(row, vocabulary) for row in each.prices.all()]
        for each in rewards
    }
    asked = [*visible.values()]
    asked += [row.condition for rows in tables.values() for row in rows]
    facts = facts_for(asked, [member_id], at).get(member_id, {})
    marks = marks_of([member_id], at)[member_id]
    shown = []
    for reward in rewards:
        if visible[reward.pk].holds(facts):
            usual = PriceRow(reward.points, money_minor=reward.price_minor)
            price = price_of(usual, tables[reward.pk], marks=marks, facts=facts)
            shown.append(ShownReward(reward, price.points, price.money_minor))
    return shown


def _open_to(
    rewards: Sequence[Reward], member_id: int, at: datetime
) -> Sequence[Reward]:
    """Return what has begun, or has for whoever has early access to it."""
    if all(each.starts_at <= at for each in rewards):
        return rewards
    hours = best_number(member_id, Benefit.Kind.EARLY_ACCESS, at)
    opens = at + timedelta(hours=hours)
    return [each for each in rewards if each.starts_at <= opens]


def price_row_of(row: RewardPrice, vocabulary: Vocabulary) -> PriceRow:
    """Return a row of a price table as rules see it."""
    condition = read_condition(row.condition, vocabulary)
    return PriceRow(row.points, row.audience, condition, row.price_minor)


def picture_of_reward(picture_id: str) -> bytes | None:
    """Return a picture by its id, whether or not the reward is on offer."""
    found = Reward.objects.filter(picture_id=picture_id)
    picture = found.values_list("picture", flat=True).first()
    return bytes(picture) if picture else None


def standing_count(*, reward_id: int, member_id: int) -> int:
    """Return how often a member has a reward; given back ones do not count."""
    mine = RewardRedemption.objects.filter(reward_id=reward_id, member_id=member_id)
    return mine.filter(state__in=STANDING).count()


def redemptions_of(member_id: int) -> QuerySet[RewardRedemption]:
    """Return what a member took for points, newest first."""
    return (
        RewardRedemption.objects.filter(member_id=member_id)
        .select_related("reward", "order")
        .defer("reward__picture")
        .order_by("-requested_at", "-id")
    )


def door_of(row: RewardRedemption) -> Door:
    """Return when the door of a seat is open.

    Not as was promised: who moved the occasion stands at the door that day.
    """
    moved = Reward.objects.only("seat_at", "seat_until").get(pk=row.reward_id)
    begins_at = moved.seat_at or row.seat_at
    assert begins_at is not None, row.public_id
    return door(begins_at, moved.seat_until, zone=ZoneInfo(settings.SHOP_TIME_ZONE))


def redemption_in(*, member_id: int, order_id: int | None) -> RewardRedemption | None:
    """Return the reward an order is for; None of the order is the one being placed."""
    mine = RewardRedemption.objects.filter(member_id=member_id, order_id=order_id)
    return mine.filter(price_minor__gt=0).first()


def rewards_to_send() -> QuerySet[RewardRedemption]:
    """Return what waits for staff, what is due first in front."""
    return (
        RewardRedemption.objects.filter(state=RewardRedemption.State.REQUESTED)
        .select_related("member")
        .only(
            *("public_id", "state", "terms", "due_at"),
            *("member__number", "member__public_id"),
        )
        .order_by("due_at", "id")
    )


@dataclass(frozen=True, slots=True)
class Donated:
    """What members gave for a good cause in a month of the shop's zone."""

    month: date
    times: int
    amount_minor: int
    points: int


def donations_by_month(*, reward_id: int, months: int = 12) -> list[Donated]:
    """Return what the shop owes a good cause, newest month first, in one statement."""
    given = RewardRedemption.objects.filter(
        reward_id=reward_id, kind="donation", state__in=STANDING
    )
    month = TruncMonth("requested_at", tzinfo=ZoneInfo(settings.SHOP_TIME_ZONE))
    rows = (
        given.annotate(month=month, amount=_AMOUNT)
        .values("month")
        .annotate(times=Count("id"), sum_minor=Sum("amount"), sum_points=Sum("points"))
        .order_by("-month")
    )
    return [
        Donated(
            month=row["month"].date(),
            times=row["times"],
            amount_minor=row["sum_minor"],
            points=row["sum_points"],
        )
        for row in rows[:months]
    ]
