"""Staff receive, count and correct stock."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.shared.audit import record_audit
from crm.shared.errors import Refusal
from orders.models import StockMove, Variant
from orders.services.moving import actor_name

MOST_UNITS = 10**9


class LessThanReserved(Refusal):
    """Buyers were promised more than that."""

    code = "less_than_reserved"
    message = _("More units of %(sku)s are promised to buyers than that.")


class StockNotKept(Refusal):
    """The stock of this SKU is not kept."""

    code = "stock_not_kept"
    message = _("The stock of %(sku)s is not kept. Count it first.")


class TooManyUnits(Refusal):
    """No shelf holds that many."""

    code = "too_many_units"
    status = 422
    message = _("That is more than a billion units of %(sku)s.")


@transaction.atomic
def receive_stock(
    *, variant_id: int, units: int, actor: Any, reason: str = "", now: datetime
) -> Variant:
    """Put units that came in on the shelf.

    Args:
        units: more than 0.

    Raises:
        StockNotKept: count first.
        TooManyUnits: as it says.
    """
    assert units > 0
    kind = StockMove.Kind.RECEIVED
    return _change(variant_id, units, kind, actor=actor, reason=reason, now=now)


@transaction.atomic
def adjust_stock(
    *, variant_id: int, units: int, actor: Any, reason: str, now: datetime
) -> Variant:
    """Correct the stock by so many units, lost, broken or found.

    Args:
        units: signed, not 0.

    Raises:
        StockNotKept: count first.
        LessThanReserved: fewer would be left than buyers were promised.
        TooManyUnits: as it says.
    """
    assert units
    kind = StockMove.Kind.ADJUSTED
    return _change(variant_id, units, kind, actor=actor, reason=reason, now=now)


@transaction.atomic
def count_stock(
    *,
    variant_id: int,
    on_hand: int | None,
    actor: Any,
    reason: str = "",
    now: datetime,
) -> Variant:
    """Say how many units are there; None ends keeping stock of this SKU.

    Counting what the books say already writes nothing.

    Raises:
        LessThanReserved: fewer than buyers were promised.
        TooManyUnits: as it says.
    """
    variant = _locked(variant_id)
    before = variant.on_hand
    set_on_hand(variant=variant, on_hand=on_hand, actor=actor, reason=reason, now=now)
    if before != on_hand:
        kind = StockMove.Kind.COUNTED
        _audit(variant, kind, before, actor=actor, reason=reason, now=now)
    return variant


def set_on_hand(
    *,
    variant: Variant,
    on_hand: int | None,
    actor: Any,
    now: datetime,
    kind: str = StockMove.Kind.COUNTED,
    reason: str = "",
) -> None:
    """Set the counter of a locked or new SKU and write the move; no audit entry.

    Raises:
        LessThanReserved, TooManyUnits: as they say.
    """
    if on_hand == variant.on_hand:
        return
    if on_hand is not None and on_hand < variant.reserved:
        raise LessThanReserved(sku=variant.sku)
    if on_hand is not None and on_hand > MOST_UNITS:
        raise TooManyUnits(sku=variant.sku)
    delta = (on_hand or 0) - (variant.on_hand or 0)
    variant.on_hand = on_hand
    variant.save(update_fields=["on_hand"])
    StockMove.objects.create(
        variant=variant,
        kind=kind,
        delta_on_hand=delta,
        delta_reserved=0,
        actor=actor_name(actor),
        reason=reason[:200],
        occurred_at=now,
    )


def _locked(variant_id: int) -> Variant:
    return Variant.objects.select_for_update(no_key=True).get(pk=variant_id)


def _change(
    variant_id: int, units: int, kind: str, *, actor: Any, reason: str, now: datetime
) -> Variant:
    variant = _locked(variant_id)
    before = variant.on_hand
    if before is None:
        raise StockNotKept(sku=variant.sku)
    set_on_hand(
        variant=variant,
        on_hand=before + units,
        actor=actor,
        now=now,
        kind=kind,
        reason=reason,
    )
    _audit(variant, kind, before, actor=actor, reason=reason, now=now)
    return variant


def _audit(
    variant: Variant,
    kind: str,
    before: int | None,
    *,
    actor: Any,
    reason: str,
    now: datetime,
) -> None:
    record_audit(
        actor=actor,
        action=f"orders.stock.{kind}",
        obj=variant,
        reason=reason,
        detail={"from": before, "to": variant.on_hand},
        now=now,
    )
