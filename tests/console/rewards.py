"""Rewards and benefits of the small shop: one row of each table."""

from datetime import datetime

from loyalty.models import Benefit, Reward, RewardRedemption
from loyalty.services.adjusting import grant_points
from loyalty.services.redeeming_rewards import redeem_reward
from loyalty.services.sanctioning import sanction_benefit
from loyalty.services.using_benefits import use_benefit
from members.models import Member, User
from members.services.addressing import add_address
from tests.cast import make_variant


def rewards_and_benefits(
    member: Member, *, actor: User, at: datetime
) -> RewardRedemption:
    """Write a catalogue with one reward to be sent, a benefit, a use and a sanction."""
    reward = Reward.objects.create(
        name="马克杯",
        name_en="Mug",
        kind="goods",
        points=500,
        variant=make_variant("REWARD-MUG", 3_000, on_hand=9),
        stock=20,
        starts_at=at,
        condition={"all": [{"field": "loyalty.orders", "is": "gte", "value": 1}]},
    )
    reward.prices.create(position=1, audience="tier:gold", points=400)
    everybody = Reward.objects.create(
        name="保温杯",
        name_en="Flask",
        kind="goods",
        points=600,
        variant=reward.variant,
        starts_at=at,
    )
    grant_points(
        member_id=member.pk,
        points=600,
        reason="A present",
        actor="test",
        source="test:reward",
        now=at,
    )
    add_address(
        member_id=member.pk,
        lines={"recipient": "Wang", "street": "Wensan Road 1", "country": "CN"},
        is_default=False,
        now=at,
    )
    redemption = redeem_reward(
        reward=everybody.public_id, member_id=member.pk, source="test:1", now=at
    )
    benefit = Benefit.objects.create(
        code="freight", kind="free_freight", name="免运费", name_en="Free delivery"
    )
    benefit.grants.create(quota=4)
    use_benefit(benefit="freight", member_id=member.pk, source="test:1", now=at)
    sanction_benefit(
        benefit_id=benefit.pk,
        member_id=member.pk,
        reason="Deliveries were sold on",
        until=None,
        actor=actor,
        now=at,
    )
    return redemption
