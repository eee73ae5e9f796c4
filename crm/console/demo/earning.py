"""Plants ways to earn points besides spending, and members who look in every day."""

from datetime import timedelta
from typing import Any

from crm.console.demo.members import ZHANG_SAN_PHONE
from crm.console.demo.shop import DemoShop
from loyalty.models import Currency, EarningRule
from loyalty.services.checking_in import check_in
from members.models import Member
from members.queries import phone_is

_WEEK = [5, 5, 10, 10, 15, 15, 30]
_GOLD = {"field": "member.tier", "is": "in", "value": ["gold", "platinum"]}
_MONDAY = {"field": "time.weekday", "is": "in", "value": ["1"]}
_TEA = {"field": "line.category", "is": "any_of", "value": ["tea"]}
_PICTURES = {"field": "event.pictures", "is": "yes"}
_FIRST = {"field": "order.first", "is": "yes"}
#: Members who check in, and for how many days at most.
_VISITORS, _DAYS = 12, 9


def plant(shop: DemoShop) -> None:
    """Write the rules last, so that what was planted before earned by spending."""
    Currency.objects.create(
        code="stars", name=shop.text("星星", "Stars"), name_en="Stars",
        unit=shop.text("颗", "stars"), unit_en="stars", resets_yearly=True,
    )  # fmt: skip
    for code, name, name_en, fields in _rules():
        EarningRule.objects.create(
            code=code, name=shop.text(name, name_en), name_en=name_en, **fields
        )
    _check_in(shop)


def _rules() -> list[tuple[str, str, str, dict[str, Any]]]:
    fixed: dict[str, Any] = {"award": "fixed"}
    return [
        ("review", "发表评价", "Review", fixed | {"occasion": "review", "points": 20}),
        (
            *("review-pictures", "晒图评价", "Review with pictures"),
            fixed
            | {"occasion": "review", "points": 30, "role": "bonus"}
            | {"condition": _PICTURES},
        ),
        (
            *("check-in", "每日签到", "Daily check-in"),
            {"occasion": "check_in", "award": "ladder", "ladder": _WEEK},
        ),
        (
            *("check-in-star", "签到得星", "A star for a check-in"),
            fixed | {"occasion": "check_in", "points": 1, "currency_id": "stars"},
        ),
        (
            *("birthday", "生日礼", "Birthday"),
            fixed | {"occasion": "birthday", "points": 88},
        ),
        (
            *("invite", "邀请好友", "Invite a friend"),
            fixed
            | {"occasion": "invite", "points": 100}
            | {"member_cap": 1_000, "cap_period": "month"},
        ),
        (
            *("gold-mondays", "金卡周一双倍", "Gold Mondays"),
            {"award": "multiplier", "bonus_bp": 10_000, "member_cap": 500}
            | {"cap_period": "month", "condition": {"all": [_GOLD, _MONDAY]}},
        ),
        (
            *("tea-triple", "茶与咖啡三倍积分", "Triple points on tea"),
            {"points": 3, "condition": _TEA, "budget": 200_000},
        ),
        (
            *("first-order", "首单奖励", "First order"),
            {"award": "per_order", "role": "bonus", "points": 50}
            | {"condition": _FIRST, "is_active": False},
        ),
    ]


def _check_in(shop: DemoShop) -> None:
    """Let some look in for days in a row, and some leave a day out."""
    # The seed's own example keeps its thousand points.
    others = Member.objects.exclude(phone_is(ZHANG_SAN_PHONE))
    active = others.filter(state=Member.State.ACTIVE).order_by("pk")
    for member_id in active.values_list("pk", flat=True)[:_VISITORS]:
        days = shop.chance.randint(1, _DAYS)
        left_out = shop.chance.randint(0, _DAYS)
        for ago in range(days, -1, -1):
            if ago != left_out:
                check_in(member_id=member_id, now=shop.now - timedelta(days=ago))
