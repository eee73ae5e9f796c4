"""Rewards and benefits as tests of loyalty need them."""

from datetime import datetime, timedelta
from uuid import uuid4

from loyalty.models import Benefit, PointsAccount, Reward, RewardRedemption, Tier
from loyalty.services.adjusting import grant_points
from loyalty.services.posting import open_accounts
from loyalty.services.redeeming_rewards import redeem_reward
from members.models import Address, Member
from tests.cast import NOON


def make_reward(points: int = 500, *, kind: str = "donation", **fields) -> Reward:
    """Write a reward that anybody may have; any other field by keyword."""
    told = {"name": "好事", "name_en": "Good cause", "starts_at": NOON}
    if kind in ("donation", "stored_value"):
        told["amount_minor"] = 1_000
    return Reward.objects.create(points=points, kind=kind, **told | fields)


def make_seats(
    points: int = 500, *, begins_at: datetime = NOON + timedelta(days=2), **fields
) -> Reward:
    """Write seats at an occasion that anybody may have."""
    place = {"place": "文三路店", "place_en": "Wensan Road shop"}
    told = {"seat_at": begins_at, "starts_at": NOON - timedelta(days=9), **place}
    return make_reward(points, kind="seat", **told | fields)


def make_benefit(
    code: str = "freight",
    *grants: dict,
    kind: str = "custom",
    period: str = "month",
    **fields,
) -> Benefit:
    """Write a benefit with its grants; each grant by its fields."""
    benefit = Benefit.objects.create(
        code=code, kind=kind, name=code, name_en=code, period=period, **fields
    )
    for grant in grants:
        benefit.grants.create(**grant)
    return benefit


def give(member: Member, points: int, *, source: str = "") -> None:
    """Give points that last."""
    grant_points(
        member_id=member.pk,
        points=points,
        reason="test",
        actor="test",
        source=source or f"test:{uuid4()}",
        now=NOON,
    )


def put_in_tier(member: Member, code: str) -> None:
    """Let a member hold a tier."""
    open_accounts(member_ids=[member.pk], now=NOON)
    tier = Tier.objects.get(code=code)
    PointsAccount.objects.filter(pk=member.pk).update(tier=tier, tier_since=NOON)


def make_address(member: Member, *, slot: int = 1) -> Address:
    """Write where a member lives."""
    return Address.objects.create(
        member=member,
        slot=slot,
        recipient="王静",
        street="文三路 1 号",
        country="CN",
        is_default=slot == 1,
        created_at=NOON,
    )


def redeem(
    member: Member, reward: Reward, *, source: str = "", now: datetime = NOON, **told
) -> RewardRedemption:
    """Let a member have a reward."""
    return redeem_reward(
        reward=reward.public_id,
        member_id=member.pk,
        source=source or f"test:{uuid4()}",
        now=now,
        **told,
    )
