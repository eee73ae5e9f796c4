"""A discount that staff give a cart, and take back (S26).

The cart keeps it in two columns, so reading its price costs nothing more. Who gave it,
and why, stands in the audit trail; buyers see a name and an amount.
"""

from copy import copy
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from crm.shared.money import display_amount
from members.models import User
from orders.models import Cart, Order
from orders.rules.quotes import Quote
from orders.rules.staff_discounts import StaffDiscount
from orders.services.carts import CartOrdered, lock_cart
from orders.services.quoting import quote_cart

SOURCE_KIND = "staff"
SHORTEST_REASON, LONGEST_REASON = 3, 200
_COLUMNS = ("staff_percent_bp", "staff_off_minor")


class StaffDiscountTooLarge(Refusal):
    """At most %(most)s may be taken off this cart by hand."""

    code = "staff_discount_too_large"
    status = 422
    message = _("At most %(most)s may be taken off this cart by hand.")


class StaffDiscountWithoutEffect(Refusal):
    """It takes nothing off this cart."""

    code = "staff_discount_without_effect"
    status = 422
    message = _("It takes nothing off this cart.")


class ReasonTooShort(Refusal):
    """Give a reason of 3 to 200 characters."""

    code = "staff_discount_reason"
    status = 422
    message = _("Give a reason of 3 to 200 characters.")


@transaction.atomic
def give_staff_discount(
    *, cart_id: int, discount: StaffDiscount, reason: str, actor: User, now: datetime
) -> Quote:
    """Take so much off a cart, in the place of what staff gave it before.

    It goes with the cart: what is put in later is reduced, too, and the order it
    becomes uses it up, also where that is given up.

    Args:
        reason: why, 3 to 200 characters, for the audit trail.

    Returns:
        What the cart costs with it.

    Raises:
        ItemGone, CartOrdered: it is no open cart.
        ReasonTooShort: as it says.
        StaffDiscountTooLarge, StaffDiscountWithoutEffect: see ``try_staff_discount``.
    """
    cart = _open(cart_id, reason)
    quote = try_staff_discount(cart, discount=discount, now=now)
    given = {"percent_bp": discount.percent_bp, "off_minor": discount.off_minor}
    detail = {name: value for name, value in given.items() if value is not None}
    _write(cart, discount, now)
    record_audit(
        actor=actor,
        action="orders.cart.give_discount",
        obj=cart,
        reason=reason.strip(),
        detail=detail,
        now=now,
    )
    return quote


@transaction.atomic
def take_staff_discount_back(
    *, cart_id: int, reason: str, actor: User, now: datetime
) -> None:
    """Take nothing more off a cart by hand; where nothing was, nothing happens.

    Raises:
        ItemGone, CartOrdered, ReasonTooShort: as for ``give_staff_discount``.
    """
    cart = _open(cart_id, reason)
    if cart.staff_discount is None:
        return
    _write(cart, None, now)
    record_audit(
        actor=actor,
        action="orders.cart.take_discount_back",
        obj=cart,
        reason=reason.strip(),
        now=now,
    )


def try_staff_discount(cart: Cart, *, discount: StaffDiscount, now: datetime) -> Quote:
    """Return what a cart would cost with a discount; nothing is written.

    Raises:
        StaffDiscountTooLarge: it is more than ``settings.STAFF_DISCOUNT_LIMIT_BP`` of
            the goods, or an amount the cart does not come to.
        StaffDiscountWithoutEffect: nothing in it can be reduced, or another offer
            lets nothing stand beside it.
    """
    most_bp = settings.STAFF_DISCOUNT_LIMIT_BP
    if (discount.percent_bp or 0) > most_bp:
        raise StaffDiscountTooLarge(most=f"{most_bp / 100:g} %")
    quote = quote_by_hand(cart, discount=discount, now=now)
    taken = sum(
        each.amount_minor for each in quote.applied if each.source_kind == SOURCE_KIND
    )
    if not taken:
        raise StaffDiscountWithoutEffect
    if taken < (discount.off_minor or 0):
        raise StaffDiscountTooLarge(most=display_amount(taken, quote.currency))
    return quote


def quote_by_hand(
    cart: Cart, *, discount: StaffDiscount | None, now: datetime
) -> Quote:
    """Return what a cart costs with another discount of staff, or without one."""
    tried = copy(cart)
    tried.staff_discount = discount
    return quote_cart(cart=tried, now=now)


def _open(cart_id: int, reason: str) -> Cart:
    if not SHORTEST_REASON <= len(reason.strip()) <= LONGEST_REASON:
        raise ReasonTooShort
    cart = lock_cart(cart_id=cart_id)
    if Order.objects.filter(cart_id=cart_id).exists():
        raise CartOrdered
    return cart


def _write(cart: Cart, discount: StaffDiscount | None, now: datetime) -> None:
    cart.staff_discount, cart.updated_at = discount, now
    cart.save(update_fields=[*_COLUMNS, "updated_at"])
