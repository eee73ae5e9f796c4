"""What earning rules need to know of orders: what was paid, and for what."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from crm.shared.money import share
from loyalty.models import Program
from loyalty.queries.earning import EarningTerms
from loyalty.rules.earning import Part
from orders.models import (
    Allocation,
    Category,
    Order,
    OrderLine,
    Product,
    Refund,
    Variant,
)
from orders.rules.lifecycle import STANDING

_POINTS = "points"
_LINE = ("order_id", "position", "kind", "variant_id", "net_minor", "quantity")
#: Position of what is no line: freight, or an order as a whole.
WHOLE = 0


def kinds_that_earn(program: Program) -> list[str]:
    """Return the kinds of lines whose net earns and counts (P5)."""
    kinds = [Product.Kind.GOODS]
    if program.earns_on_gift_cards:
        kinds.append(Product.Kind.GIFT_CARD)
    return kinds


def with_basis(orders, terms: EarningTerms):
    """Return a query of orders with ``basis_minor`` and what rules ask of an order.

    The basis is the net of their goods (P5). Freight and fees are none; gift cards as
    the program says. What points paid is a reduction of the lines, so the net is
    without it. Of an exchange only the difference that was paid for counts (R14).
    """
    goods = Q(lines__kind__in=kinds_that_earn(terms.program))
    orders = orders.annotate(
        basis_minor=Coalesce(Sum("lines__net_minor", filter=goods), 0)
        - Coalesce(F("paid_with__exchanged_minor"), 0),
        channel_code=F("channel__code"),
        member_joined_at=F("member__joined_at"),
        member_birth_month=F("member__birth_month"),
    )
    if "order.first" in terms.asks:
        orders = orders.annotate(is_first=~Exists(_orders_before()))
    return orders


def _orders_before():
    """Return the query of what the buyer had bought when an outer order was paid.

    What was given back whole by then does not count (R19); what was given back later
    counted at that moment, and does whenever it is asked (X2).
    """
    back_later = Refund.objects.filter(
        order=OuterRef("pk"),
        state=Refund.State.COMPLETED,
        completed_at__gt=OuterRef(OuterRef("paid_at")),
    )
    return Order.objects.filter(
        Q(state__in=STANDING) | Q(Exists(back_later), state=Order.State.REFUNDED),
        member_id=OuterRef("member_id"),
        paid_at__lt=OuterRef("paid_at"),
    )


@dataclass(frozen=True, slots=True)
class Purchase:
    """What conditions may ask of an order or a cart as a whole."""

    at: datetime
    amount_minor: int
    channel: str = ""
    device: str = ""
    is_first: bool = False
    #: Of who buys; unknown of a visitor.
    tier_code: str = ""
    joined_at: datetime | None = None
    birth_month: int | None = None

    def facts(self, *, units: int) -> dict[str, Any]:
        """Return the facts by the names of ``loyalty.earning_vocabulary``."""
        return {
            "order.amount": self.amount_minor,
            "order.units": units,
            "order.channel": self.channel,
            "order.device": self.device,
            "order.first": self.is_first,
            **member_facts(
                tier_code=self.tier_code,
                joined_at=self.joined_at,
                birth_month=self.birth_month,
                at=self.at,
            ),
            **time_facts(self.at),
        }


def purchase_of(order: Order, *, tier_code: str) -> Purchase:
    """Return what conditions may ask of an order of ``with_basis``."""
    return Purchase(
        at=order.paid_at,
        amount_minor=order.basis_minor,
        channel=order.channel_code or "",
        device=order.device,
        is_first=getattr(order, "is_first", False),
        tier_code=tier_code,
        joined_at=order.member_joined_at,
        birth_month=order.member_birth_month,
    )


def member_facts(
    *,
    tier_code: str,
    joined_at: datetime | None,
    birth_month: int | None,
    at: datetime,
) -> dict[str, Any]:
    """Return what conditions may ask of who earns."""
    local = at.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    return {
        "member.tier": tier_code,
        "member.days": max(0, (at - joined_at).days) if joined_at else None,
        "member.birthday_month": birth_month == local.month,
    }


def time_facts(at: datetime) -> dict[str, Any]:
    """Return what conditions may ask of a moment, in the shop's zone."""
    local = at.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    return {
        "time.weekday": str(local.isoweekday()),
        "time.day": local.day,
        "time.date": local.date(),
        "time.hour": local.hour,
    }


def parts_of(
    orders: Sequence[Order], terms: EarningTerms, *, by_line: bool
) -> dict[int, tuple[Part, ...]]:
    """Return by order what earns in it, in at most three statements for all.

    Args:
        by_line: False is content with one part for a whole order, and asks nothing,
            where no rule looks closer.
    """
    if not (by_line or terms.wants_lines):
        return {order.pk: (Part(WHOLE, max(0, order.basis_minor)),) for order in orders}
    program, ids = terms.program, [order.pk for order in orders]
    kinds = kinds_that_earn(program)
    if program.earns_on_freight:
        kinds.append(Product.Kind.FREIGHT)
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    rows = OrderLine.objects.filter(order_id__in=ids, kind__in=kinds).only(*_LINE)
    for line in rows.order_by("order_id", "position"):
        lines[line.order_id].append(line)
    paid = _paid_by_points(ids) if program.earns_on_points else {}
    facts: dict[int, dict[str, Any]] = {}
    if terms.asks_lines:
        sold = {line.variant_id for some in lines.values() for line in some}
        facts = variant_facts(sold)
    return {
        order.pk: _parts(order, lines[order.pk], paid, facts, program)
        for order in orders
    }


def variant_facts(variant_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return what conditions may ask of lines by what they sell, in two statements."""
    codes = dict(Category.objects.values_list("pk", "code"))
    product = "product__"
    rows = Variant.objects.filter(pk__in=variant_ids).values_list(
        *("pk", "sku", f"{product}brand__code", f"{product}tags"),
        f"{product}category__lineage",
    )
    return {
        pk: {
            "line.sku": sku,
            "line.brand": brand or "",
            "line.tags": frozenset(tags),
            "line.category": frozenset(codes[each] for each in lineage or ()),
        }
        for pk, sku, brand, tags, lineage in rows
    }


def _parts(
    order: Order,
    lines: Sequence[OrderLine],
    paid: Mapping[int, int],
    facts: Mapping[int, dict[str, Any]],
    program: Program,
) -> tuple[Part, ...]:
    # What the value of earlier units paid comes off in proportion (R14).
    nets = [line.net_minor for line in lines]
    counting = [line.net_minor for line in lines if line.kind != Product.Kind.FREIGHT]
    off = max(0, sum(counting) - order.basis_minor)
    gone = share(off, nets, caps=nets) if off else [0] * len(nets)
    parts = [
        Part(
            position=line.position,
            amount_minor=net - less + paid.get(line.pk, 0),
            units=line.quantity,
            facts=facts.get(line.variant_id, {}),
        )
        for line, net, less in zip(lines, nets, gone, strict=True)
    ]
    if program.earns_on_freight and order.freight_minor:
        parts.append(Part(WHOLE, order.freight_minor, units=0))
    return tuple(parts) or (Part(WHOLE, 0, units=0),)


def _paid_by_points(ids: Collection[int]) -> dict[int, int]:
    rows = Allocation.objects.filter(line__order_id__in=ids, source_kind=_POINTS)
    return dict(rows.values_list("line_id").annotate(Sum("amount_minor")))
