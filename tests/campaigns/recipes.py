"""Recipes as rows of promotions hold them, and orders that use them, for tests."""

from typing import Any

from campaigns.models import Promotion
from campaigns.services.promoting import take_promotion_use
from campaigns.services.publishing import publish_promotion
from crm.shared.approvals import approve
from members.models import User
from orders.models import Order
from tests.cast import NOON, make_user


def ladder(*rungs: tuple[int, int]) -> dict[str, Any]:
    """Return the fields of a 满减 with these steps, for ``Promotion(**…)``."""
    gives = {"rungs": [list(rung) for rung in rungs]}
    return {"kind": "spend_ladder", "recipe": {"gives": gives}}


def of_kind(kind: str, gives: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return the fields of a promotion of any kind."""
    return {"kind": kind, "recipe": {"gives": gives, **parts}}


def published(promotion: Promotion, actor: User, *, reason: str = "x") -> Promotion:
    """Publish a draft, with a second person where that needs one; return the result."""
    how = {"promotion_id": promotion.pk, "reason": reason, "now": NOON}
    made = publish_promotion(actor=actor, **how)
    if isinstance(made, Promotion):
        return made
    second = User.objects.filter(username="second").first() or make_user("second")
    approve(approval_id=made.pk, decider=second, now=NOON)
    return Promotion.objects.get(pk=promotion.changes_id or promotion.pk)


def use(
    promotion: Promotion, number: str, *, amount_minor: int = 5_000, units: int = 0
) -> Order:
    """Have a new order take a use of a promotion; return the order."""
    order = Order.objects.create(
        number=number,
        currency="CNY",
        goods_minor=30_000,
        discount_minor=amount_minor,
        total_minor=30_000 - amount_minor,
        placed_at=NOON,
    )
    take_promotion_use(
        promotion=promotion.public_id,
        order_id=order.pk,
        amount_minor=amount_minor,
        units=units,
        now=NOON,
    )
    return order
