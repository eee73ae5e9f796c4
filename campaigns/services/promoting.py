"""Promotions on their way through an order: uses, units, money, by it (S21, C22).

A use is a row of its own, so that what was taken can be given back whatever became of
the promotion meanwhile. Locked in the order of the house: promotion, use, budget.
"""

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from campaigns.models import Promotion, PromotionUse
from campaigns.queries.quoting import told_of
from campaigns.rules.needs import Needs
from campaigns.services.budgeting import give_back, reserve, spend_reserved
from campaigns.services.first_orders import claim_first_order
from campaigns.services.recognising import marks_of_member
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import Order

_TAKE = """
WITH taken AS (
    UPDATE campaigns_promotion
       SET used = used + 1, used_units = used_units + %(units)s
     WHERE public_id = %(promotion)s AND state = 'live'
       AND (limit_total IS NULL OR used < limit_total)
       AND (limit_units IS NULL OR used_units + %(units)s <= limit_units)
       AND (limit_member_units IS NULL OR limit_member_units >= %(units)s + (
            SELECT coalesce(sum(u.units), 0) FROM campaigns_promotionuse u
              JOIN orders_order o ON o.id = u.order_id
              JOIN orders_order mine ON mine.id = %(order)s
             WHERE u.promotion_id = campaigns_promotion.id AND u.state <> 'freed'
               AND o.member_id = mine.member_id))
    RETURNING id, budget_id, recipe #>> '{when,nth_order}' = '1' AS is_for_first
), used AS (
    INSERT INTO campaigns_promotionuse (
        promotion_id, order_id, state, amount_minor, units, budget_id, taken_at)
    SELECT id, %(order)s, 'held', %(amount)s, %(units)s, budget_id, %(now)s FROM taken
)
SELECT budget_id, is_for_first FROM taken
"""
_COUNT_BACK = """
UPDATE campaigns_promotion p
   SET used = greatest(p.used - 1, 0), used_units = greatest(p.used_units - u.units, 0)
  FROM campaigns_promotionuse u WHERE u.promotion_id = p.id AND u.id = ANY(%s)
"""
_State = PromotionUse.State


class PromotionUsedUp(Refusal):
    """This promotion has just been used up."""

    code = "promotion_used_up"
    status = 422
    message = _("This promotion has just been used up.")


class PromotionUnitsGone(Refusal):
    """Fewer pieces than were shown are left at this price."""

    code = "promotion_units_gone"
    status = 422
    message = _("Fewer pieces than shown are left at this price: %(left)s.")


class PromotionForFirstOrder(Refusal):
    """This promotion is for a first order, and you have another one."""

    code = "promotion_first_order_only"
    status = 422
    message = _("This promotion is for a first order, and you have another one.")


@transaction.atomic(savepoint=False)
def take_promotion_use(
    *,
    promotion: str,
    order_id: int,
    amount_minor: int,
    units: int = 0,
    now: datetime,
) -> None:
    """Count an order as one use, within the limits, and reserve what it takes off.

    One statement where the promotion has no budget. Units of one member are counted
    under the lock of the member's row, which checkout holds.

    Args:
        promotion: public id.
        amount_minor: what it takes off the order.
        units: of goods that it lowers.

    Raises:
        PromotionUsedUp: the limit is reached or the promotion is off.
        PromotionUnitsGone: not so many units are left at its price.
        PromotionForFirstOrder: the buyer has bought, or another order is the first.
        BudgetExhausted: its budget cannot pay for it.
    """
    told = {
        "promotion": promotion,
        "order": order_id,
        "amount": amount_minor,
        "units": units,
        "now": now,
    }
    with planned_cursor() as cursor:
        cursor.execute(_TAKE, told)
        row = cursor.fetchone()
    if row is None:
        raise _why_not(promotion, order_id, units)
    budget_id, is_for_first = row
    if is_for_first:
        _make_first(order_id)
    if budget_id is not None:
        reserve(budget_id=budget_id, amount_minor=amount_minor)


def _make_first(order_id: int) -> None:
    """Let an order have the advantages of a first one, if it is one (C12).

    By the names the quote knew; a phone number on the parcel is none of them, because
    nobody can take a promotion out of a cart.
    """
    buyers = Order.objects.filter(pk=order_id).values_list("member_id", flat=True)
    buyer = buyers.get()
    marks = marks_of_member(member_id=buyer)
    if not claim_first_order(order_id=order_id, member_id=buyer, marks=marks):
        raise PromotionForFirstOrder


def _why_not(promotion: str, order_id: int, units: int) -> Refusal:
    """Say how many units are left for who orders, where these are too many (S25)."""
    live = Promotion.objects.filter(public_id=promotion, state=Promotion.State.LIVE)
    buyers = Order.objects.filter(pk=order_id).values_list("member_id", flat=True)
    asked = Needs(limited=frozenset({promotion}))
    told = told_of(member_id=buyers.first(), order_id=None, needs=asked)
    left = told.units_left.get(promotion, units)
    if live.exists() and left < units:
        return PromotionUnitsGone(left=max(0, left))
    return PromotionUsedUp()


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
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_BACK, [[use.pk for use in held]])
    _give_back(held, was_spent=False)
    return _become(held, _State.FREED)


@transaction.atomic
def return_promotion_uses(*, order_id: int) -> int:
    """Give budgets back what an order spent of which everything came back (C10, C22).

    The use itself stays counted, and its units, in all and of the member: who sent all
    back had them.
    """
    spent = _locked(order_id, _State.SPENT)
    _give_back(spent, was_spent=True)
    return _become(spent, _State.RETURNED)


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
