"""What earning rules need to know of orders: what was paid, and for what."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from crm.shared.money import share
from loyalty.models import Program
from loyalty.queries.earning import EarningTerms
from loyalty.rules.earning import Part
from orders.models import Allocation, Category, Order, OrderLine, Product
from orders.rules.lifecycle import SOLD

_POINTS = "points"
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
        before = Order.objects.filter(
            member_id=OuterRef("member_id"),
            paid_at__lt=OuterRef("paid_at"),
            state__in=SOLD,
        )
        orders = orders.annotate(is_first=~Exists(before))
    return orders


def order_facts(order: Order, *, tier_code: str, units: int = 0) -> dict[str, Any]:
    """Return what conditions may ask of an order of ``with_basis``."""
    return {
        "order.amount": order.basis_minor,
        "order.units": units,
        "order.channel": order.channel_code or "",
        "order.device": order.device,
        "order.first": getattr(order, "is_first", False),
        **member_facts(
            tier_code=tier_code,
            joined_at=order.member_joined_at,
            birth_month=order.member_birth_month,
            at=order.paid_at,
        ),
        **time_facts(order.paid_at),
    }


def member_facts(*, tier_code: str, joined_at, birth_month, at) -> dict[str, Any]:
    """Return what conditions may ask of who earns."""
    local = at.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    return {
        "member.tier": tier_code,
        "member.days": max(0, (at - joined_at).days),
        "member.birthday_month": birth_month == local.month,
    }


def time_facts(at) -> dict[str, Any]:
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
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in _lines(ids, kinds, is_told=terms.asks_lines):
        lines[line["order_id"]].append(line)
    paid = _paid_by_points(ids) if program.earns_on_points else {}
    codes = _category_codes() if terms.asks_lines else {}
    return {
        order.pk: _parts(order, lines[order.pk], paid, codes, program)
        for order in orders
    }


def _lines(ids: Collection[int], kinds: Collection[str], *, is_told: bool):
    columns = ["pk", "order_id", "position", "kind", "net_minor", "quantity"]
    if is_told:
        product = "variant__product__"
        columns += ["sku", f"{product}brand__code", f"{product}tags"]
        columns.append(f"{product}category__lineage")
    rows = OrderLine.objects.filter(order_id__in=ids, kind__in=kinds)
    return rows.order_by("order_id", "position").values(*columns)


def _parts(
    order: Order,
    lines: Sequence[dict[str, Any]],
    paid: dict[int, int],
    codes: dict[int, str],
    program: Program,
) -> tuple[Part, ...]:
    # What the value of earlier units paid comes off in proportion (R14).
    nets = [line["net_minor"] for line in lines]
    off = max(0, sum(_of_basis(lines)) - order.basis_minor)
    gone = share(off, nets, caps=nets) if off else [0] * len(nets)
    parts = [
        Part(
            position=line["position"],
            amount_minor=net - less + paid.get(line["pk"], 0),
            units=line["quantity"],
            facts=_line_facts(line, codes) if "sku" in line else {},
        )
        for line, net, less in zip(lines, nets, gone, strict=True)
    ]
    if program.earns_on_freight and order.freight_minor:
        parts.append(Part(WHOLE, order.freight_minor, units=0))
    return tuple(parts) or (Part(WHOLE, 0, units=0),)


def _of_basis(lines: Sequence[dict[str, Any]]) -> list[int]:
    return [line["net_minor"] for line in lines if line["kind"] != Product.Kind.FREIGHT]


def _line_facts(line: dict[str, Any], codes: dict[int, str]) -> dict[str, Any]:
    product = "variant__product__"
    lineage = line[f"{product}category__lineage"] or ()
    return {
        "line.sku": line["sku"],
        "line.brand": line[f"{product}brand__code"] or "",
        "line.tags": frozenset(line[f"{product}tags"]),
        "line.category": frozenset(codes[pk] for pk in lineage if pk in codes),
    }


def _paid_by_points(ids: Collection[int]) -> dict[int, int]:
    rows = Allocation.objects.filter(line__order_id__in=ids, source_kind=_POINTS)
    return dict(rows.values_list("line_id").annotate(Sum("amount_minor")))


def _category_codes() -> dict[int, str]:
    return dict(Category.objects.values_list("pk", "code"))
