"""Promotions on their way through an order: uses and money, by the order (S21, C22).

A use is a row of its own, so that what was taken can be given back whatever became of
the promotion meanwhile. Locked in the order of the house: promotion, use, budget.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from campaigns.models import Promotion, PromotionUse
from campaigns.services.budgeting import give_back, reserve, spend_reserved
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import Order

_TAKE = """
WITH taken AS (
    UPDATE campaigns_promotion SET used = used + 1
     WHERE public_id = %(promotion)s AND state = 'live'
       AND (limit_total IS NULL OR used < limit_total)
    RETURNING id, budget_id
)
INSERT INTO campaigns_promotionuse (
    promotion_id, order_id, state, amount_minor, budget_id, taken_at)
SELECT id, %(order)s, 'held', %(amount)s, budget_id, %(now)s FROM taken
RETURNING budget_id
"""
_State = PromotionUse.State


class PromotionUsedUp(Refusal):
    """This promotion has just been used up."""

    code = "promotion_used_up"
    status = 422
    message = _("This promotion has just been used up.")


@transaction.atomic(savepoint=False)
def take_promotion_use(
    *, promotion: str, order_id: int, amount_minor: int, now: datetime
) -> None:
    """Count an order as one use, within the limit, and reserve what it takes off.

    One statement where the promotion has no budget.

    Args:
        promotion: public id.
        amount_minor: what it takes off the order.

    Raises:
        PromotionUsedUp: the limit is reached or the promotion is off.
        BudgetExhausted: its budget cannot pay for it.
    """
    told = {
        "promotion": promotion,
        "order": order_id,
        "amount": amount_minor,
        "now": now,
    }
    with planned_cursor() as cursor:
        cursor.execute(_TAKE, told)
        row = cursor.fetchone()
    if row is None:
        raise PromotionUsedUp
    (budget_id,) = row
    if budget_id is not None:
        reserve(budget_id=budget_id, amount_minor=amount_minor)


@transaction.atomic
def spend_promotion_uses(*, order_id: int) -> int:
    """Turn what a paid order had reserved into spend; return how many uses."""
    held = _locked(order_id, _State.HELD)
    for use in held:
        if use.budget_id is not None:
            spend_reserved(budget_id=use.budget_id, amount_minor=use.amount_minor)
    return _become(held, _State.SPENT)


@transaction.atomic
def free_promotion_uses(*, order_id: int) -> int:
    """Give back what an order that was never paid had taken; return how many uses."""
    held = _locked(order_id, _State.HELD)
    Promotion.objects.filter(
        pk__in=[use.promotion_id for use in held], used__gt=0
    ).update(used=F("used") - 1)
    _give_back(held, was_spent=False)
    return _become(held, _State.FREED)


@transaction.atomic
def return_promotion_money(*, order_id: int) -> int:
    """Give budgets back what an order spent that was refunded in full (C10, C22).

    The use itself stays counted: who bought and sent all back had it.
    """
    refunded = Order.objects.filter(pk=order_id, state=Order.State.REFUNDED)
    if not refunded.exists():
        return 0
    spent = _locked(order_id, _State.SPENT)
    _give_back(spent, was_spent=True)
    return _become(spent, _State.FREED)


def _locked(order_id: int, state: str) -> list[PromotionUse]:
    """Lock the uses of an order, and before them what they count for."""
    uses = PromotionUse.objects.filter(order_id=order_id, state=state)
    promotions = Promotion.objects.filter(uses__in=uses).order_by("pk")
    list(promotions.select_for_update(no_key=True, of=("self",)).values_list("pk"))
    return list(uses.select_for_update(no_key=True).order_by("promotion_id"))


def _give_back(uses: list[PromotionUse], *, was_spent: bool) -> None:
    for use in uses:
        if use.budget_id is not None:
            give_back(
                budget_id=use.budget_id,
                amount_minor=use.amount_minor,
                was_spent=was_spent,
            )


def _become(uses: list[PromotionUse], state: str) -> int:
    return PromotionUse.objects.filter(pk__in=[use.pk for use in uses]).update(
        state=state
    )
