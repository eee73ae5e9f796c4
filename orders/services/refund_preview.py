"""What a refund gives back and does: one quote for preview and execution (R1)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.errors import Refusal
from orders.models import Order, Refund
from orders.queries.exchanges import orders_after, traced_back
from orders.queries.refunds import (
    deducted_before,
    freight_left,
    freight_points_left,
    freight_unowed,
    gifts_deducted,
    paid_lines,
    root_of,
    tender_parts,
)
from orders.rules.lifecycle import STANDING
from orders.rules.refund_effects import (
    DEDUCTED,
    Effect,
    PlannedRefund,
    RefundEffects,
    Shortfall,
    UnitsBack,
)
from orders.rules.refunds import (
    OF_GOODS,
    Deduction,
    DeductionKind,
    PaidLine,
    RefundQuote,
    TooManyUnits,
    UnknownPosition,
    freight_is_owed,
    gifts_kept_minor,
    overpaid_kept_minor,
    refund_quote,
    with_unsent_gifts,
)
from orders.rules.returns import FAULTS
from orders.services.moving import refuse_waiting
from orders.services.repricing import reprice_loss_of


class OrderNotRefundable(Refusal):
    """This order was not paid, or has been refunded completely."""

    code = "order_not_refundable"
    message = _("This order was not paid, or has been refunded completely.")


class NothingToRefund(Refusal):
    """These units are not there to be refunded."""

    code = "nothing_to_refund"
    message = _("These units are not there to be refunded.")


class FreightStays(Refusal):
    """Freight goes back when all is cancelled before shipping, or the shop erred."""

    code = "freight_not_refundable"
    status = 422
    message = _(
        "Freight goes back when all is cancelled before shipping, or the shop erred."
    )


@dataclass(frozen=True, slots=True)
class RefundPolicy:
    """How a refund is treated.

    ``reason_code`` is one of ``ReturnRequest.Reason`` and decides about freight (R5).
    ``restocks`` puts the units back on the shelf when the refund is completed (R15).
    ``return_id`` names the return request that is refunded.
    ``freight_is_told``: another system gave the freight back; R5 was its to judge.
    """

    reason_code: str = ""
    shortfall: Shortfall = Shortfall.PROGRAM
    restocks: bool = False
    return_id: int | None = None
    freight_is_told: bool = False
    #: Ends the waiting of an order that is no purchase yet (G6, G8); otherwise refused.
    ends_waiting: bool = False


AS_USUAL = RefundPolicy()


def quote_refund(
    *,
    order_id: int,
    items: Mapping[int, int],
    freight: bool | None = False,
    policy: RefundPolicy = AS_USUAL,
    now: datetime,
) -> RefundQuote:
    """Say what a refund would give back and do. Writes nothing.

    Args:
        items: position of the line -> units that come back.
        freight: give the freight back, too; None is as R5 says.

    Raises:
        OrderNotRefundable, NothingToRefund, FreightStays, OrderWaits: as they say.
    """
    return quote_for(
        Order.objects.get(pk=order_id),
        items=items,
        freight=freight,
        policy=policy,
        now=now,
    )


def quote_for(
    order: Order,
    *,
    items: Mapping[int, int],
    freight: bool | None,
    policy: RefundPolicy,
    now: datetime,
) -> RefundQuote:
    """Quote a refund of an order that was read, or locked, already.

    Gifts that never left come back with what brought them, asked for or not (R8).
    """
    if order.state not in STANDING:
        raise OrderNotRefundable
    if not policy.ends_waiting:
        refuse_waiting(order)
    lines = paid_lines(order, return_id=policy.return_id)
    items = with_unsent_gifts(lines, items)
    with_freight = _goes_back(order, lines, items, freight, policy)
    quote = _quote_of(
        order,
        lines,
        items,
        freight_minor=freight_left(order) if with_freight else 0,
        owes_freight=_owes_freight(order, lines, items, policy),
    )
    if with_freight and order.points_spent:
        quote = replace(quote, freight_points=freight_points_left(order))
    if not quote.lines and not quote.freight_minor and not quote.freight_points:
        raise NothingToRefund
    root = root_of(order)
    planned = _planned(order, root, lines, quote, policy)
    effects = effects_of(planned, now=now)
    used = _without_used(quote, effects)
    if used != quote:
        # Less goes back, so that less is left to deduct missing points from (P16).
        quote = used
        planned = replace(planned, amount_minor=quote.amount_minor, points=quote.points)
        effects = effects_of(planned, now=now)
    quote = _with_shortfall(replace(quote, effects=effects))
    return replace(quote, tenders=tuple(tender_parts(order, quote.amount_minor)))


def plan_units(order: Order, *, items: Mapping[int, int]) -> PlannedRefund:
    """Return what a refund of units would be, promised to returns or not.

    As ``quote_for`` finds it, without freight and what other apps say.

    Raises:
        NothingToRefund: more than is left of a line.
    """
    lines = [replace(line, promised=0) for line in paid_lines(order)]
    items = with_unsent_gifts(lines, items)
    quote = _quote_of(order, lines, items, freight_minor=0, owes_freight=False)
    return _planned(order, root_of(order), lines, quote, AS_USUAL)


def _quote_of(
    order: Order,
    lines: Sequence[PaidLine],
    items: Mapping[int, int],
    *,
    freight_minor: int,
    owes_freight: bool,
) -> RefundQuote:
    """Quote units and what is deducted because of them, without what other apps do."""
    deducted = deducted_before(order)
    losses = dict(deducted)
    losses[DeductionKind.GIFT_KEPT] = _gifts_kept(order, lines, items)
    losses[DeductionKind.FREIGHT_UNOWED] = 0 if owes_freight else freight_unowed(order)
    losses[DeductionKind.OVERPAID] = overpaid_kept_minor(
        deducted.get(DeductionKind.OVERPAID, 0), lines, items
    )
    loss = reprice_loss_of(order, lines=lines, items=items)
    if loss is not None:
        losses[DeductionKind.REPRICE] = loss
    try:
        return refund_quote(
            lines,
            items,
            freight_left_minor=freight_minor,
            losses=losses,
            deducted=deducted,
        )
    except (UnknownPosition, TooManyUnits) as error:
        raise NothingToRefund from error


def quote_overpaid(order: Order, *, amount_minor: int, now: datetime) -> RefundQuote:
    """Quote money back without units, of a locked order (G11).

    Raises:
        OrderNotRefundable, OrderWaits: see ``quote_refund``.
        NothingToRefund: not positive, or more than is left of what was paid.
    """
    if order.state not in STANDING:
        raise OrderNotRefundable
    refuse_waiting(order)
    if not 0 < amount_minor <= order.paid_minor - order.refunded_minor:
        raise NothingToRefund
    quote = RefundQuote(
        lines=(),
        freight_minor=0,
        is_last=False,
        deductions=(Deduction(DeductionKind.OVERPAID, -amount_minor),),
    )
    root = root_of(order)
    planned = _planned(order, root, paid_lines(order), quote, AS_USUAL)
    return replace(
        quote,
        effects=effects_of(planned, now=now),
        tenders=tuple(tender_parts(order, amount_minor)),
    )


def effect_sources() -> list[RefundEffects]:
    """Return who knows what a refund does, as ``crm.wiring`` lists them."""
    return [import_string(path)() for path in wiring.REFUND_EFFECTS]


def _goes_back(
    order: Order,
    lines: Sequence[PaidLine],
    items: Mapping[int, int],
    wanted: bool | None,
    policy: RefundPolicy,
) -> bool:
    if wanted is False:
        return False
    is_owed = _owes_freight(order, lines, items, policy)
    if not is_owed and wanted:
        raise FreightStays
    return is_owed


def _owes_freight(
    order: Order,
    lines: Sequence[PaidLine],
    items: Mapping[int, int],
    policy: RefundPolicy,
) -> bool:
    left = sum(line.quantity - line.refunded_quantity for line in lines)
    return policy.freight_is_told or freight_is_owed(
        is_shipped=order.state != Order.State.PAID,
        is_last=sum(items.values()) == left,
        is_fault=policy.reason_code in FAULTS,
    )


def _gifts_kept(
    order: Order, lines: Sequence[PaidLine], items: Mapping[int, int]
) -> int:
    """Return what this order's refunds are to deduct for kept gifts in all (R8).

    Gifts stay with the first order, though what brought them was exchanged: the units
    that replace it, or the gift, are asked as if they were those. What refunds of the
    other orders deducted is not deducted again.
    """
    root = root_of(order)
    if root != order:
        items = traced_back(order, items, to=root)
        lines = paid_lines(root)
    if not any(line.gift_of for line in lines):
        return 0
    others = {root.pk, *orders_after(root)} - {order.pk}
    kept = gifts_kept_minor(lines, items)
    return max(0, kept - gifts_deducted(sorted(others)))


def _planned(
    order: Order,
    root: Order,
    lines: Sequence[PaidLine],
    quote: RefundQuote,
    policy: RefundPolicy,
) -> PlannedRefund:
    kinds = {line.position: line.kind for line in lines}
    worth: Counter[str] = Counter()
    for part in quote.lines:
        worth[kinds[part.position]] += part.amount_minor
    for deduction in quote.deductions:
        if deduction.kind in OF_GOODS:
            worth[DEDUCTED] -= deduction.amount_minor
    return PlannedRefund(
        order_id=order.pk,
        root_id=root.pk,
        member_id=order.member_id,
        worth_minor=worth,
        amount_minor=quote.amount_minor,
        points=quote.points,
        # What was exchanged lives on in another order (C25).
        closes_order=quote.is_last
        and not order.refunds.filter(kind=Refund.Kind.EXCHANGE)
        .exclude(state=Refund.State.FAILED)
        .exists(),
        shortfall=policy.shortfall,
        units={
            part.position: UnitsBack(part.quantity, part.amount_minor, part.points)
            for part in quote.lines
        },
        may_deduct=not policy.freight_is_told,
    )


def _without_used(quote: RefundQuote, effects: Sequence[Effect]) -> RefundQuote:
    """Deduct what of fees was used, and keep the points that paid for it (R21)."""
    quote = replace(quote, points_kept=sum(each.used_points for each in effects))
    used = sum(effect.used_minor for effect in effects)
    if not used:
        return quote
    part = Deduction(DeductionKind.PLAN_USED, used)
    return replace(quote, deductions=(*quote.deductions, part))


def effects_of(planned: PlannedRefund, *, now: datetime) -> tuple[Effect, ...]:
    """Return what a refund would do elsewhere, as its apps say."""
    return tuple(
        effect
        for source in effect_sources()
        for effect in source.preview(planned, now=now)
    )


def _with_shortfall(quote: RefundQuote) -> RefundQuote:
    """Deduct the value of missing points (P16); never more than goes back."""
    taken = sum(effect.deduct_minor for effect in quote.effects)
    if not taken:
        return quote
    assert taken <= quote.amount_minor
    part = Deduction(DeductionKind.POINTS_SHORT, taken)
    points = sum(effect.deduct_points for effect in quote.effects)
    return replace(quote, deductions=(*quote.deductions, part), points_deducted=points)
