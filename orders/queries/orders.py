"""Orders as their buyers and the shop's programs see them, one statement a read."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from crm.shared.dates import bounds_of_day
from crm.shared.listing import Listing
from orders.models import Payment
from orders.models.order import EXCHANGE, OURS

#: Attempts that brought nothing are no tenders.
_TENDERS = [
    Payment.State.HELD.value,
    Payment.State.CAPTURED.value,
    Payment.State.SURPLUS.value,
    Payment.State.RETURNED.value,
]
_ORDER = """
SELECT o.id, o.public_id, o.number, o.source, o.external_ref, o.state, ch.code,
       o.region, o.campaign, o.device, o.currency, o.goods_minor, o.discount_minor,
       o.freight_minor, o.total_minor, o.paid_minor, o.refunded_minor, o.points_spent,
       o.placed_at, o.payment_due_at, o.paid_at, o.shipped_at, o.delivered_at,
       o.closed_at, o.waits_for,
  (SELECT json_agg(json_build_array(
            l.position, l.sku, l.name, l.kind, l.quantity, l.list_price_minor,
            l.unit_price_minor, l.gross_minor, l.net_minor, l.shipped_quantity,
            l.refunded_quantity, l.returning_quantity,
            EXISTS (SELECT FROM orders_review w WHERE w.order_line_id = l.id),
            p.public_id,
            (SELECT json_build_array(g.source_kind, g.source_id, g.source_name, 0, 0)
               FROM orders_appliedoffer g WHERE g.id = l.gift_of_id),
            (SELECT json_agg(json_build_array(
                      a.source_kind, a.source_id, a.source_name, a.amount_minor,
                      a.points) ORDER BY a.id)
               FROM orders_allocation a WHERE a.line_id = l.id)) ORDER BY l.position)
     FROM orders_orderline l
     JOIN orders_variant v ON v.id = l.variant_id
     JOIN orders_product p ON p.id = v.product_id
    WHERE l.order_id = o.id),
  (SELECT json_agg(json_build_array(
            r.public_id, r.external_ref, r.state, r.amount_minor, r.freight_minor,
            r.points_returned, r.requested_at, r.completed_at) ORDER BY r.id)
     FROM orders_refund r WHERE r.order_id = o.id)
"""
_BESIDE = """,
  (SELECT json_agg(json_build_array(
            f.source_kind, f.source_id, f.source_name, f.amount_minor, f.points)
            ORDER BY f.stage, f.id)
     FROM orders_appliedoffer f WHERE f.order_id = o.id),
  (SELECT json_agg(json_build_array(
            t.public_id, t.provider, t.tender, t.state, t.amount_minor,
            t.refunded_minor, t.captured_at) ORDER BY t.id)
     FROM orders_payment t WHERE t.order_id = o.id AND t.state = ANY (%(tenders)s)),
  (SELECT json_agg(json_build_array(
            s.public_id, s.state, s.carrier, s.tracking, s.sent_at, s.delivered_at,
            (SELECT json_agg(json_build_array(l.position, x.quantity)
                             ORDER BY x.order_line_id)
               FROM orders_shipmentline x
               JOIN orders_orderline l ON l.id = x.order_line_id
              WHERE x.shipment_id = s.id)) ORDER BY s.sent_at, s.id)
     FROM orders_shipment s WHERE s.order_id = o.id),
  (SELECT json_build_array(m.public_id, m.number)
     FROM members_member m WHERE m.id = o.member_id)
"""
_FROM = "FROM orders_order o"
_JOINS = "LEFT JOIN orders_channel ch ON ch.id = o.channel_id"


@dataclass(frozen=True, slots=True)
class ShownReduction:
    """What an offer took off a line, or off all lines together."""

    source_kind: str
    source_id: str
    source_name: str
    amount_minor: int
    points: int


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line as it was bought, with what each offer took off it."""

    position: int
    sku: str
    name: str
    kind: str
    quantity: int
    list_price_minor: int | None
    unit_price_minor: int
    gross_minor: int
    net_minor: int
    shipped_quantity: int
    refunded_quantity: int
    returning_quantity: int
    is_reviewed: bool
    product_public_id: str
    #: The offer that brought it for nothing.
    gift_of: ShownReduction | None
    allocations: list[ShownReduction]


@dataclass(frozen=True, slots=True)
class ShownRefund:
    """Money and points that went, or are on their way, back."""

    public_id: str
    external_ref: str | None
    state: str
    amount_minor: int
    freight_minor: int
    points_returned: int
    requested_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownTender:
    """Money that paid the order, or a part of it."""

    public_id: str
    provider: str
    tender: str
    state: str
    amount_minor: int
    refunded_minor: int
    captured_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownShipment:
    """A parcel; ``lines`` are positions with their units."""

    public_id: str
    state: str
    carrier: str
    tracking: str
    sent_at: datetime
    delivered_at: datetime | None
    lines: list[list[int]]


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order with its lines and refunds; the last four are read of one order only."""

    id: int
    public_id: str
    number: str
    source: str
    external_ref: str | None
    state: str
    channel_code: str | None
    region: str
    campaign: str
    device: str
    currency: str
    goods_minor: int
    discount_minor: int
    freight_minor: int
    total_minor: int
    paid_minor: int
    refunded_minor: int
    points_spent: int
    placed_at: datetime
    payment_due_at: datetime | None
    paid_at: datetime | None
    shipped_at: datetime | None
    delivered_at: datetime | None
    closed_at: datetime | None
    waits_for: str
    lines: list[ShownLine]
    refunds: list[ShownRefund]
    #: In the order of their stages.
    offers: list[ShownReduction]
    tenders: list[ShownTender]
    shipments: list[ShownShipment]
    #: Public id and number of who bought.
    member: list[str] | None

    @property
    def is_ours(self) -> bool:
        """Whether it was placed here, so that its payment and stock are ours, too."""
        return self.source in {OURS, EXCHANGE}


def orders_of(
    *,
    member_id: int,
    states: Collection[str] | None = None,
    may_wait: bool = True,
    placed_from: date | None = None,
    placed_until: date | None = None,
) -> Listing[ShownOrder]:
    """Return a member's orders; their order is by ``placed_at`` and ``id``.

    Args:
        states: only these; all of them when left out.
        may_wait: also those that wait for more than their payment.
        placed_from, placed_until: first and last day, in the shop's zone (X3).
    """
    mine = _ORDERS.where(_MINE, member=member_id)
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    if states is not None:
        mine = mine.where("o.state = ANY (%(states)s)", states=list(states))
    if not may_wait:
        mine = mine.where("o.waits_for = ''")
    if placed_from:
        first = bounds_of_day(placed_from, zone)[0]
        mine = mine.where("o.placed_at >= %(first)s", first=first)
    if placed_until:
        end = bounds_of_day(placed_until, zone)[1]
        mine = mine.where("o.placed_at < %(end)s", end=end)
    return mine


def order_of(*, member_id: int, public_id: str) -> ShownOrder | None:
    """Return one order of a member, with all that belongs to it."""
    mine = _IN_DETAIL.where(_MINE, member=member_id, tenders=_TENDERS)
    return mine.where("o.public_id = %(public_id)s", public_id=public_id).first()


def foreign_order(*, source: str, external_ref: str) -> ShownOrder | None:
    """Return the order another system knows under this number, in detail."""
    return _IN_DETAIL.where(
        "o.source = %(source)s AND o.external_ref = %(external_ref)s",
        source=source,
        external_ref=external_ref,
        tenders=_TENDERS,
    ).first()


def _shown(*columns: Any) -> ShownOrder:
    *own, lines, refunds = columns
    return ShownOrder(*own, _lines(lines), _refunds(refunds), [], [], [], None)


def _shown_in_detail(*columns: Any) -> ShownOrder:
    *own, lines, refunds, offers, tenders, shipments, member = columns
    return ShownOrder(
        *own,
        _lines(lines),
        _refunds(refunds),
        [ShownReduction(*each) for each in offers or ()],
        [ShownTender(*each, _moment(at)) for *each, at in tenders or ()],
        [
            ShownShipment(*each, _moment(sent), _moment(delivered), lines)
            for *each, sent, delivered, lines in shipments or ()
        ],
        member,
    )


def _lines(rows: list[list] | None) -> list[ShownLine]:
    return [
        ShownLine(
            *each,
            ShownReduction(*gift_of) if gift_of else None,
            [ShownReduction(*part) for part in parts or ()],
        )
        for *each, gift_of, parts in rows or ()
    ]


def _refunds(rows: list[list] | None) -> list[ShownRefund]:
    return [
        ShownRefund(*each, _moment(requested), _moment(completed))
        for *each, requested, completed in rows or ()
    ]


def _moment(text: str | None) -> Any:
    """Return a moment that came inside JSON."""
    return None if text is None else datetime.fromisoformat(text)


_MINE = "o.member_id = %(member)s"
_KEYS = {"placed_at": "o.placed_at", "id": "o.id"}
_ORDERS = Listing(_ORDER, _FROM, _shown, _KEYS, _JOINS)
_IN_DETAIL = Listing(_ORDER + _BESIDE, _FROM, _shown_in_detail, _KEYS, _JOINS)
