"""Coupons on their way through an order (C6–C11, C22); for promotions ``promoting``.

Locked in the order of the house: coupon, tallies, public code, budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from campaigns.models import Coupon
from campaigns.rules.coupon_limits import Limits
from campaigns.rules.coupons import ReturnOf, expiry_of, return_of
from campaigns.services.budgeting import give_back, reserve, spend_reserved
from campaigns.services.counting import (
    UseLimitReached,
    give_code_use_back,
    give_uses_back,
    take_code_use,
    take_uses,
)
from campaigns.services.first_orders import claim_first_order
from campaigns.services.promoting import (
    free_promotion_uses,
    return_promotion_uses,
    spend_promotion_uses,
)
from campaigns.services.recognising import marks_of_order
from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from orders.models import Allocation, Order, Refund
from orders.services.cancelling import cancel_order

#: Whose order it is has it still: somebody may have taken it over meanwhile (C24).
_HOLD = """
UPDATE campaigns_coupon c SET state = 'held', order_id = %(order)s
  FROM campaigns_coupontemplate t
 WHERE c.public_id = %(coupon)s AND c.state = 'available' AND c.expires_at > %(now)s
   AND (c.usable_from IS NULL OR c.usable_from <= %(now)s) AND t.id = c.template_id
   AND c.member_id = (SELECT member_id FROM orders_order WHERE id = %(order)s)
RETURNING c.id, c.template_id, c.member_id, c.public_code_id, t.budget_id,
          t.limit_total, t.limit_member, t.period, t.limit_period,
          t.limit_member_period,
          coalesce((c.terms ->> 'for_first_order')::boolean, false)
"""


class CouponGone(Refusal):
    """This coupon can no longer be used."""

    code = "coupon_already_redeemed"
    status = 422
    message = _("This coupon can no longer be used.")


class CouponUnknown(Refusal):
    """You have no such coupon."""

    code = "not_found"
    status = 404
    message = _("You have no such coupon.")


class CouponNotHeld(Refusal):
    """No unpaid order of yours keeps this coupon."""

    code = "coupon_not_held"
    message = _("No unpaid order of yours keeps this coupon.")


@dataclass(frozen=True, slots=True)
class _Held:
    """What a hold must know to be counted."""

    coupon_id: int
    template_id: int
    member_id: int
    public_code_id: int | None
    budget_id: int | None
    limits: Limits


@transaction.atomic(savepoint=False)
def hold_coupon(
    *, coupon: str, order_id: int, discount_minor: int = 0, now: datetime
) -> None:
    """Reserve a coupon for an order, or keep the hold the order already has.

    One statement where the coupon has neither limits nor a budget. An order that
    holds it already changes the reservation to its new discount (C6, C22).

    Args:
        discount_minor: what the coupon takes off the order.

    Raises:
        CouponGone: used, held by another order, expired, revoked or given away
            meanwhile.
        UseLimitReached: it has been used as often as it may be.
        BudgetExhausted: its budget cannot pay for the discount.
    """
    with planned_cursor() as cursor:
        cursor.execute(_HOLD, {"coupon": coupon, "order": order_id, "now": now})
        row = cursor.fetchone()
    if row is None:
        _hold_again(coupon, order_id, discount_minor)
        return
    held = _Held(*row[:5], Limits(*row[5:]))
    tallies = _count(held, order_id, now)
    if held.public_code_id is not None:
        take_code_use(public_code_id=held.public_code_id)
    if held.budget_id is not None:
        reserve(budget_id=held.budget_id, amount_minor=discount_minor)
    if tallies or discount_minor:
        Coupon.objects.filter(pk=held.coupon_id).update(
            tallies=tallies, discount_minor=discount_minor, budget_id=held.budget_id
        )


def _hold_again(coupon: str, order_id: int, discount_minor: int) -> None:
    own = Coupon.objects.filter(
        public_id=coupon, state=Coupon.State.HELD, order_id=order_id
    )
    row = own.select_for_update(no_key=True).first()
    if row is None:
        raise CouponGone
    if row.budget_id is not None and discount_minor != row.discount_minor:
        more = discount_minor - row.discount_minor
        reserve(budget_id=row.budget_id, amount_minor=more)
    own.update(discount_minor=discount_minor)


def _count(held: _Held, order_id: int, now: datetime) -> list[int]:
    limits = held.limits
    marks: list[str] = []
    if limits.are_personal:
        marks = marks_of_order(order_id=order_id)
    if limits.first_order_only and not claim_first_order(
        order_id=order_id, member_id=held.member_id, marks=marks
    ):
        raise UseLimitReached("coupon_first_order_only")
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    slots = limits.slots(marks, at=now, zone=zone)
    return take_uses(template_id=held.template_id, slots=slots)


@transaction.atomic
def use_coupons(*, order_id: int, now: datetime) -> int:
    """Turn the holds of a paid order into uses (C9); return how many.

    What its budgets had reserved is spent (C22).
    """
    held = _locked(Coupon.objects.filter(order_id=order_id, state=Coupon.State.HELD))
    Coupon.objects.filter(pk__in=[each.pk for each in held]).update(
        state=Coupon.State.USED, used_at=now
    )
    for coupon in held:
        if coupon.budget_id is not None:
            spend_reserved(
                budget_id=coupon.budget_id, amount_minor=coupon.discount_minor
            )
    return len(held)


@transaction.atomic
def settle_order(*, order_id: int, now: datetime) -> None:
    """Count what a paid order had reserved as used and spent (C9, C22)."""
    use_coupons(order_id=order_id, now=now)
    spend_promotion_uses(order_id=order_id)


@transaction.atomic
def return_order(*, order_id: int, now: datetime) -> int:
    """Give back what an order used that was refunded in full (C10, C22).

    The news of its payment may come after those of the refund. An order whose units
    were exchanged gives nothing back: those in their place keep the reductions (C25,
    R13). One that waited for its group to the end was never a purchase (G6).

    Returns:
        How many coupons came back.
    """
    refunded = Order.objects.filter(pk=order_id, state=Order.State.REFUNDED)
    order = refunded.only("waits_for").first()
    if order is None:
        return 0
    if order.waits_for:
        return release_order(order_id=order_id)
    settle_order(order_id=order_id, now=now)
    exchanged = Refund.objects.filter(
        order_id=order_id, kind=Refund.Kind.EXCHANGE, state=Refund.State.COMPLETED
    )
    if exchanged.exists():
        return 0
    returned = _return_coupons(order_id, now)
    return_promotion_uses(order_id=order_id)
    return returned


@transaction.atomic
def release_order(*, order_id: int) -> int:
    """Give back what an order that was no purchase had reserved (C8, C9).

    Returns:
        How many coupons are available again.
    """
    freed = free_coupons(order_id=order_id)
    free_promotion_uses(order_id=order_id)
    return freed


@transaction.atomic
def take_back_hold(*, coupon: str, member_id: int, now: datetime) -> Coupon:
    """Free a coupon from an unpaid order of its holder, which is cancelled (C7).

    The coupon can go into another cart at once.

    Args:
        coupon: public id.

    Raises:
        CouponUnknown: it is not the member's.
        CouponNotHeld: no unpaid order of the member holds it.
        OrderNotCancellable: the order was paid at this moment.
    """
    own = Coupon.objects.filter(public_id=coupon, member_id=member_id)
    held = own.filter(state=Coupon.State.HELD, order__member_id=member_id)
    order_id = held.values_list("order_id", flat=True).first()
    if order_id is None:
        raise CouponNotHeld if own.exists() else CouponUnknown
    cancel_order(
        order_id=order_id, actor="checkout", reason="coupon taken back", now=now
    )
    # The news of the order come a moment later and find nothing more to do.
    free_coupons(order_id=order_id)
    return own.get()


@transaction.atomic
def free_coupons(*, order_id: int) -> int:
    """Make the coupons held by an order available again; return how many."""
    held = _locked(Coupon.objects.filter(order_id=order_id, state=Coupon.State.HELD))
    _free(held, was_spent=False)
    return Coupon.objects.filter(pk__in=[each.pk for each in held]).update(
        state=Coupon.State.AVAILABLE, **_UNCOUNTED
    )


def _return_coupons(order_id: int, now: datetime) -> int:
    """Give coupons back after a full refund, where they promise it (C10).

    One that expired meanwhile gets its days of grace, or comes back expired: it stays
    usable for nobody but its history is right. Its budget gets back what the order had
    spent, if the coupon comes back (R12). One that left the order meanwhile stays what
    it became, and stands in the audit trail.
    """
    _note_gone(order_id, now)
    used = _locked(Coupon.objects.filter(order_id=order_id, state=Coupon.State.USED))
    return sum(_return(coupon, now) for coupon in used)


def _note_gone(order_id: int, now: datetime) -> None:
    """Write down which coupons that paid for an order are no longer its own."""
    named = Allocation.objects.filter(line__order_id=order_id, source_kind="coupon")
    gone = Coupon.objects.filter(
        public_id__in=set(named.values_list("source_id", flat=True))
    ).exclude(order_id=order_id, state=Coupon.State.USED)
    for coupon in gone:
        record_audit(
            actor="campaigns.coupons",
            action="coupons.not_returned",
            obj=coupon,
            detail={"state": coupon.state},
            now=now,
        )


def _return(coupon: Coupon, now: datetime) -> int:
    outcome = return_of(
        returns=coupon.terms.get("returns", True),
        expires_at=coupon.expires_at,
        grace_days=coupon.grace_days,
        closes_order=True,
        now=now,
    )
    if outcome is ReturnOf.STAYS:
        # It was used, and its budget has spent it (R12).
        return 0
    _free([coupon], was_spent=True)
    row = Coupon.objects.filter(pk=coupon.pk)
    changes = dict(_UNCOUNTED)
    if outcome is ReturnOf.GRACE:
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        changes["expires_at"] = expiry_of(now, days=coupon.grace_days, zone=zone)
    return row.update(state=Coupon.State.AVAILABLE, used_at=None, **changes)


#: A coupon that no order holds or used counts nowhere.
_UNCOUNTED = {"order": None, "discount_minor": 0, "budget": None, "tallies": []}


def _locked(coupons: QuerySet[Coupon]) -> list[Coupon]:
    return list(coupons.select_for_update(no_key=True).order_by("pk"))


def _free(coupons: Sequence[Coupon], *, was_spent: bool) -> None:
    """Free the slots and the money that holds or uses had taken."""
    give_uses_back(tallies=[key for each in coupons for key in each.tallies])
    for coupon in coupons:
        if coupon.public_code_id is not None:
            give_code_use_back(public_code_id=coupon.public_code_id)
        if coupon.budget_id is not None:
            _give_money_back(coupon, was_spent=was_spent)


def _give_money_back(coupon: Coupon, *, was_spent: bool) -> None:
    give_back(
        budget_id=coupon.budget_id,
        amount_minor=coupon.discount_minor,
        was_spent=was_spent,
    )
