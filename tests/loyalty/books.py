"""Orders and refunds as the ledger meets them. Tests of loyalty call these."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from loyalty.models import (
    EarningRule,
    Ladder,
    PointsAccount,
    PointsEntry,
    PointsLot,
    TierStanding,
)
from loyalty.services.verification import verify_ledger
from orders.models import Order, OrderLine, Refund, RefundLine
from tests.cast import NOON, make_variant


def paid_order(
    member,
    net_minor: int,
    *,
    at: datetime = NOON,
    quantity: int = 1,
    kind: str = "goods",
    freight_minor: int = 0,
    discount_minor: int = 0,
    points_spent: int = 0,
    source: str = "storefront",
    extra: tuple[tuple[str, int], ...] = (),
) -> Order:
    """Write a paid order with one line of ``net_minor``; ``extra`` adds (kind, net)."""
    number = Order.objects.count() + 1
    gross = net_minor + discount_minor
    goods = gross + sum(net for _, net in extra)
    total = goods - discount_minor + freight_minor
    order = Order.objects.create(
        number=f"T{number}",
        member=member,
        source=source,
        external_ref=f"X{number}" if source != "storefront" else None,
        currency="CNY",
        state=Order.State.PAID,
        goods_minor=goods,
        discount_minor=discount_minor,
        freight_minor=freight_minor,
        total_minor=total,
        paid_minor=total,
        points_spent=points_spent,
        placed_at=at,
        paid_at=at,
    )
    lines = [(kind, gross, discount_minor, quantity), *((k, n, 0, 1) for k, n in extra)]
    for position, (line_kind, line_gross, off, units) in enumerate(lines, start=1):
        OrderLine.objects.create(
            order=order,
            position=position,
            variant=make_variant(f"{order.number}-{position}", 100, kind=line_kind),
            sku=f"{order.number}-{position}",
            name="Thing",
            kind=line_kind,
            quantity=units,
            unit_price_minor=line_gross // units,
            gross_minor=line_gross,
            discount_minor=off,
            net_minor=line_gross - off,
        )
    return order


def refund(
    order: Order,
    amount_minor: int,
    *,
    at: datetime = NOON + timedelta(days=1),
    position: int = 1,
    points: int = 0,
    is_last: bool = False,
) -> Refund:
    """Write a completed refund of one line; ``is_last`` closes the order."""
    line = order.lines.get(position=position)
    row = Refund.objects.create(
        order=order,
        source=order.source,
        external_ref=f"C{Refund.objects.count() + 1}",
        state=Refund.State.COMPLETED,
        amount_minor=amount_minor,
        points_returned=points,
        requested_at=at,
        completed_at=at,
    )
    RefundLine.objects.create(
        refund=row, order_line=line, quantity=1, amount_minor=amount_minor
    )
    if is_last:
        Order.objects.filter(pk=order.pk).update(state=Order.State.REFUNDED)
    return row


def account_of(member) -> PointsAccount:
    """Return the account as it is written."""
    return PointsAccount.objects.select_related("tier").get(member=member)


def ledger(member) -> list[tuple[str, int, int]]:
    """Return (kind, points, balance after) in order."""
    return list(
        PointsEntry.objects.filter(account_id=member.pk)
        .order_by("seq")
        .values_list("kind", "points", "balance_after")
    )


def lots(member) -> list[tuple[int, int]]:
    """Return (granted, remaining) in order of writing."""
    return list(
        PointsLot.objects.filter(account_id=member.pk)
        .order_by("id")
        .values_list("granted", "remaining")
    )


def assert_sound() -> None:
    """Fail unless entries, lots, holds and balances agree."""
    assert verify_ledger().findings == ()


def ladder_with(**terms) -> Ladder:
    """Change the main ladder, as a version of it would."""
    Ladder.objects.filter(code="main").update(**terms, looked_until=None)
    return Ladder.objects.get(code="main")


def standing_of(member, ladder: str = "main") -> TierStanding | None:
    """Return what is written of a member's terms on a ladder."""
    rows = TierStanding.objects.select_related("tier")
    return rows.filter(member=member, ladder__code=ladder).first()


def rule(code: str, **fields) -> EarningRule:
    """Write an active earning rule; it gives points for an event unless told else."""
    occasion = fields.pop("occasion", "order")
    award = fields.pop("award", "per_amount" if occasion == "order" else "fixed")
    return EarningRule.objects.create(
        code=code, name=code, occasion=occasion, award=award, **fields
    )


#: The zone the shop's days are counted in.
SHOP_ZONE = ZoneInfo("Asia/Shanghai")
