"""Plants the rewards catalogue and benefits, and members who made use of them."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.models import CouponTemplate
from crm.console.demo.checkout import pay
from crm.console.demo.shop import DemoShop
from loyalty.models import Benefit, PointsAccount, Reward
from loyalty.services.admitting import admit
from loyalty.services.fulfilling_rewards import deliver_redemptions, ship_redemptions
from loyalty.services.redeeming_rewards import redeem_reward
from loyalty.services.sanctioning import sanction_benefit
from loyalty.services.using_benefits import BenefitNotHeld, use_benefit
from members.models import Member, User
from members.services.addressing import add_address
from orders.models import Variant

#: Who sends rewards, and who takes a benefit away.
SUPPORT = "lin@demo.local"
_TAKERS = 6


def plant(shop: DemoShop) -> None:
    """Write eight rewards and four benefits.

    Some rewards wait to be sent; of two members with seats one came.
    """
    mug, _wallet, *others, evening, mixed = _rewards(shop)[:7]
    _benefits(shop)
    staff = User.objects.get(username=SUPPORT)
    takers = _takers(shop)
    sent = [_redeem(shop, member, mug, days=4) for member in takers]
    for member, reward in zip(takers, others, strict=False):
        _redeem(shop, member, reward, days=2)
    ship_redemptions(
        parcels={row.pk: f"SF88{row.pk:06d}" for row in sent[:2]},
        carrier=shop.text("顺丰", "SF Express"),
        actor=staff,
        now=shop.now - timedelta(days=1),
    )
    seats = [_redeem(shop, member, evening, days=3) for member in takers[:2]]
    for seat in seats[:1]:
        came_at = evening.seat_at - timedelta(minutes=10)
        admit(ticket=seat.ticket, actor=staff, now=came_at)
    for member in takers[-1:]:
        pay(_redeem(shop, member, mixed, days=0).order, at=shop.now)
    deliver_redemptions(redemption_ids=[sent[0].pk], actor=staff, now=shop.now)
    _uses(shop, takers, staff)


def _rewards(shop: DemoShop) -> list[Reward]:
    tea = Variant.objects.filter(on_hand__gt=50, product__kind="goods").order_by("pk")
    coupon = CouponTemplate.objects.filter(state="live").order_by("pk").first()
    told: list[dict[str, Any]] = [
        _named(
            *("兑换好物：招牌商品一份", "One of our classics"),
            *("goods", 600),
            variant=tea.first(),
            stock=200,
            member_limit=2,
            refundable_days=7,
        ),
        _named(
            *("储值10元", "10.00 in your wallet"),
            *("stored_value", 1_000),
            amount_minor=1_000,
        ),
        _named(
            *("给乡村小学捐一本书", "A book for a village school"),
            *("donation", 300),
            amount_minor=2_000,
        ),
        _named(
            *("多一次免运费", "One more free delivery"),
            *("benefit", 200),
            benefit=Benefit.objects.create(
                **_words("免运费", "Free delivery"),
                code="freight",
                kind=Benefit.Kind.FREE_FREIGHT,
                period=Benefit.Period.QUARTER,
            ),
            refundable_days=3,
        ),
    ]
    told.append(_seats(shop, days=10))
    told.append(_seats(shop, days=-1))
    classic = tea.last()
    told.append(
        _named(
            *("积分换购：招牌商品", "Another classic for points and money"),
            *("goods", 300),
            variant=classic,
            price_minor=classic.price_minor // 2,
            stock=50,
        )
    )
    if coupon is not None:
        words = ("兑换优惠券", "A coupon")
        told.append(_named(*words, "coupon", 500, template=coupon.public_id))
    since = shop.now - timedelta(days=30)
    rewards = [Reward.objects.create(starts_at=since, **each) for each in told]
    mug = rewards[0]
    mug.prices.create(position=1, audience="tier:platinum", points=450)
    mug.prices.create(position=2, audience="tier:gold", points=500)
    return rewards


def _seats(shop: DemoShop, *, days: int) -> dict[str, Any]:
    """Return seats at an evening so many days from now."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    day = shop.now.astimezone(zone) + timedelta(days=days)
    begins = day.replace(hour=19, minute=0, second=0, microsecond=0)
    return _named(
        *("新茶品鉴会", "An evening with the new teas"),
        *("seat", 400),
        seat_at=begins,
        seat_until=begins + timedelta(hours=2),
        place="杭州文三路店二楼",
        place_en="Second floor, Wensan Road shop",
        stock=20,
        member_limit=2,
        refundable_days=7,
    )


def _named(
    name: str, name_en: str, kind: str, points: int, **more: Any
) -> dict[str, Any]:
    return {**_words(name, name_en), "kind": kind, "points": points, **more}


def _words(name: str, name_en: str) -> dict[str, str]:
    return {"name": name, "name_en": name_en}


def _benefits(shop: DemoShop) -> None:
    freight = Benefit.objects.get(code="freight")
    freight.grants.create(audience="tier:gold", quota=4)
    freight.grants.create(audience="tier:platinum")
    cake = Benefit.objects.create(
        **_words("生日礼", "Birthday gift"),
        code="birthday",
        kind=Benefit.Kind.BIRTHDAY_GIFT,
    )
    cake.grants.create(number=88)
    cake.grants.create(audience="tier:gold", number=188)
    welcome = Benefit.objects.create(
        **_words("升级礼", "Gift for a new tier"),
        code="upgrade",
        kind=Benefit.Kind.UPGRADE_GIFT,
    )
    welcome.grants.create(audience="tier:silver", number=50)
    welcome.grants.create(audience="tier:gold", number=100)
    lounge = Benefit.objects.create(
        **_words("门店茶歇", "Tea in the shop"),
        code="tea",
        kind=Benefit.Kind.CUSTOM,
        period="month",
    )
    loyal = {"field": "loyalty.orders", "is": "gte", "value": 5}
    lounge.grants.create(quota=2, condition={"all": [loyal]})


def _takers(shop: DemoShop) -> list[Member]:
    """Return members with points enough, and an address each."""
    rich = PointsAccount.objects.filter(
        balance__gte=4_000, held=0, debt=0, is_frozen=False, member__state="active"
    ).order_by("-balance", "pk")
    ids = list(rich.values_list("pk", flat=True)[:_TAKERS])
    takers = list(Member.objects.filter(pk__in=ids).order_by("pk"))
    for member in takers:
        if not member.addresses.exists():
            add_address(
                member_id=member.pk,
                lines={
                    "recipient": member.name or shop.text("小满", "Xiaoman"),
                    "city": shop.text("杭州市", "Hangzhou"),
                    "street": shop.text("文三路1号", "1 Wensan Road"),
                    "country": "CN",
                },
                is_default=True,
                now=shop.now,
            )
    return takers


def _redeem(shop: DemoShop, member: Member, reward: Reward, *, days: int):
    return redeem_reward(
        reward=reward.public_id,
        member_id=member.pk,
        source=f"demo:{member.pk}:{reward.pk}",
        now=shop.now - timedelta(days=days),
    )


def _uses(shop: DemoShop, takers: list[Member], staff: User) -> None:
    for number, member in enumerate(takers):
        # Who has neither the tier nor the orders for it uses nothing.
        with suppress(BenefitNotHeld):
            use_benefit(
                benefit="freight" if number % 2 else "tea",
                member_id=member.pk,
                source=f"demo:{member.pk}",
                saved_minor=800 if number % 2 else 1_500,
                now=shop.now - timedelta(hours=number),
            )
    if takers:
        sanction_benefit(
            benefit_id=Benefit.objects.get(code="freight").pk,
            member_id=takers[-1].pk,
            reason=shop.text("代他人收货", "Deliveries for somebody else"),
            until=shop.now + timedelta(days=30),
            actor=staff,
            now=shop.now,
        )
