"""Set, plan and end prices. The history only grows (``orders.models.Price``)."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from orders.models import Price, Variant
from orders.services.moving import actor_name


class PriceOverlaps(Refusal):
    """Another price of this kind holds in that time."""

    code = "price_overlaps"
    message = _("Another price of this kind already holds in that time.")


class PriceInThePast(Refusal):
    """What was charged cannot be changed afterwards."""

    code = "price_in_the_past"
    status = 422
    message = _("What was charged in the past cannot be changed.")


class PricePeriodEmpty(Refusal):
    """A price must end after it begins."""

    code = "price_period_empty"
    status = 422
    message = _("A price must end after it begins.")


class ListPriceNeedsNoEnd(Refusal):
    """A list price ends when the next one begins."""

    code = "list_price_needs_no_end"
    status = 422
    message = _("A list price ends when the next one begins.")


class PriceForNobody(Refusal):
    """A member price is for members or a tier, a list price for everybody."""

    code = "price_audience"
    status = 422
    message = _("A member price is for members or a tier, a list price for everybody.")


@transaction.atomic
def set_price(
    *,
    variant_id: int,
    kind: str,
    amount_minor: int,
    audience: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    actor: Any,
    now: datetime,
) -> Price:
    """Give a SKU a price from now or from a later moment on; leaves an audit entry.

    A list price takes the place of the one before from its first moment, and lasts
    until the next one planned; in force, it is the SKU's ``price_minor``.

    Args:
        amount_minor: in minor units, >= 0.
        audience: ``""``, ``member`` or ``tier:<code>``.
        starts_at: left out it is ``now``.
        ends_at: first moment without it; None is open.

    Raises:
        PriceInThePast, PricePeriodEmpty, ListPriceNeedsNoEnd, PriceForNobody: as they
            say.
        PriceOverlaps: another one of its kind and audience holds meanwhile.
    """
    starts_at = starts_at or now
    _refuse_nonsense(kind, audience, starts_at, ends_at, now)
    variant = Variant.objects.select_for_update(no_key=True).get(pk=variant_id)
    if kind == Price.Kind.LIST:
        price = set_list_price(
            variant=variant,
            amount_minor=amount_minor,
            starts_at=starts_at,
            actor=actor,
            now=now,
        )
    else:
        price = _insert(
            variant=variant,
            kind=kind,
            audience=audience,
            amount_minor=amount_minor,
            starts_at=starts_at,
            ends_at=ends_at,
            actor=actor_name(actor),
            created_at=now,
        )
    _audit("orders.price.set", price, actor, now)
    return price


@transaction.atomic
def end_price(
    *, price_id: int, at: datetime | None = None, actor: Any, now: datetime
) -> Price:
    """End a price at a moment not yet past, or call off one that has not begun.

    The time of a list price that is called off goes to the one before it. Ending what
    is over, or ends earlier anyway, changes nothing.

    Raises:
        PriceInThePast: ``at`` is.
        ListPriceNeedsNoEnd: a list price in force; set the next one instead.
    """
    at = at or now
    if at < now:
        raise PriceInThePast
    variant_id = Price.objects.values_list("variant_id", flat=True).get(pk=price_id)
    variant = Variant.objects.select_for_update(no_key=True).get(pk=variant_id)
    price = Price.objects.get(pk=price_id)
    price.variant = variant
    at = max(at, price.starts_at)
    if price.ends_at is not None and price.ends_at <= at:
        return price
    end, is_list = price.ends_at, price.kind == Price.Kind.LIST
    if is_list and at > price.starts_at:
        raise ListPriceNeedsNoEnd
    before = _held_before(price) if is_list else None
    if is_list and (before is None or price.applied_at is not None):
        raise ListPriceNeedsNoEnd
    price.ends_at = at
    price.save(update_fields=["ends_at"])
    if before is not None:
        _insert(
            variant=variant,
            kind=Price.Kind.LIST,
            amount_minor=before.amount_minor,
            starts_at=price.starts_at,
            ends_at=end,
            actor=actor_name(actor),
            created_at=now,
        )
    _audit("orders.price.end", price, actor, now)
    return price


def set_list_price(
    *,
    variant: Variant,
    amount_minor: int,
    starts_at: datetime,
    actor: Any,
    now: datetime,
) -> Price:
    """Give a locked or new SKU another list price; no audit entry of its own.

    Raises:
        PriceOverlaps: one was planned for this very moment.
    """
    lists = Price.objects.filter(variant=variant, kind=Price.Kind.LIST)
    if not lists.exists() and variant.price_minor != amount_minor:
        # A SKU without a history costs what it says until then.
        _begin_history(variant, starts_at, actor, now)
    planned = lists.filter(starts_at__gt=starts_at).order_by("starts_at").first()
    held = lists.filter(starts_at__lte=starts_at).exclude(ends_at__lte=starts_at)
    held.update(ends_at=starts_at)
    is_in_force = starts_at <= now
    price = _insert(
        variant=variant,
        kind=Price.Kind.LIST,
        amount_minor=amount_minor,
        starts_at=starts_at,
        ends_at=planned.starts_at if planned else None,
        applied_at=now if is_in_force else None,
        actor=actor_name(actor),
        created_at=now,
    )
    if is_in_force and variant.price_minor != amount_minor:
        variant.price_minor = amount_minor
        variant.save(update_fields=["price_minor"])
    return price


_LOCK_DUE = """
SELECT v.id FROM orders_variant v
 WHERE v.id IN (SELECT variant_id FROM orders_price WHERE kind = 'list'
                   AND applied_at IS NULL AND starts_at <= %(now)s)
 ORDER BY v.id FOR NO KEY UPDATE
"""
#: Of several that are due, the one in force counts; the others were overtaken.
_APPLY = """
WITH applied AS (
    UPDATE orders_variant v SET price_minor = p.amount_minor FROM orders_price p
     WHERE v.id = ANY (%(ids)s) AND p.variant_id = v.id AND p.kind = 'list'
       AND p.starts_at <= %(now)s AND (p.ends_at IS NULL OR p.ends_at > %(now)s)
       AND v.price_minor <> p.amount_minor
    RETURNING v.id
), marked AS (
    UPDATE orders_price SET applied_at = %(now)s
     WHERE variant_id = ANY (%(ids)s) AND kind = 'list' AND applied_at IS NULL
       AND starts_at <= %(now)s
)
SELECT count(*) FROM applied
"""


@transaction.atomic
def apply_list_prices(*, now: datetime) -> int:
    """Give SKUs the list prices whose time has come; return how many changed.

    Two statements: what is locked first is read anew by the second. Run twice at
    once, or late, the result is the same.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_DUE, {"now": now})
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return 0
        cursor.execute(_APPLY, {"ids": ids, "now": now})
        return cursor.fetchone()[0]


def _begin_history(
    variant: Variant, until: datetime, actor: Any, now: datetime
) -> None:
    born = min(variant.product.created_at, until)
    if born < until:
        _insert(
            variant=variant,
            kind=Price.Kind.LIST,
            amount_minor=variant.price_minor,
            starts_at=born,
            applied_at=now,
            actor=actor_name(actor),
            created_at=now,
        )


def _held_before(price: Price) -> Price | None:
    """Return the list price that held until this one begins."""
    return (
        Price.objects.filter(
            variant_id=price.variant_id,
            kind=Price.Kind.LIST,
            starts_at__lt=price.starts_at,
            ends_at=price.starts_at,
        )
        .order_by("-starts_at")
        .first()
    )


def _refuse_nonsense(kind, audience, starts_at, ends_at, now) -> None:
    if starts_at < now:
        raise PriceInThePast
    if kind == Price.Kind.LIST and ends_at is not None:
        raise ListPriceNeedsNoEnd
    if ends_at is not None and ends_at <= starts_at:
        raise PricePeriodEmpty
    is_for_everybody = audience == ""
    if kind == Price.Kind.LIST and not is_for_everybody:
        raise PriceForNobody
    if kind == Price.Kind.MEMBER and is_for_everybody:
        raise PriceForNobody


def _insert(**values: Any) -> Price:
    try:
        with transaction.atomic():
            return Price.objects.create(**values)
    except IntegrityError as error:
        if "price_one_at_a_time" in str(error):
            raise PriceOverlaps from error
        raise


def _audit(action: str, price: Price, actor: Any, now: datetime) -> None:
    record_audit(
        actor=actor,
        action=action,
        obj=price.variant,
        detail={
            "kind": price.kind,
            "audience": price.audience,
            "amount_minor": price.amount_minor,
            "starts_at": price.starts_at.isoformat(),
            "ends_at": price.ends_at.isoformat() if price.ends_at else None,
        },
        now=now,
    )
