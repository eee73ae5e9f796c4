"""One order of a person is the first, paid or not: two at once are not (C12).

Who orders first is written down with the order that takes the advantage, under every
name they are known by. A later order takes their place once that one came to nothing.
"""

from collections.abc import Sequence

from campaigns.models import FirstOrder
from campaigns.services.recognising import (
    bought_by,
    has_bought,
    marks_of_member,
)
from crm.shared.planned import planned_cursor
from orders.models import Order
from orders.rules.offers import PriceRequest

#: What became of an order that was nobody's first.
_GONE = (Order.State.CANCELLED, Order.State.REFUNDED)
#: Rivals wait for one another at the first name they share.
_CLAIM = """
INSERT INTO campaigns_firstorder AS f (whose, order_id)
SELECT whose, %(order)s FROM unnest(%(marks)s::text[]) whose ORDER BY whose
ON CONFLICT (whose) DO UPDATE SET order_id = EXCLUDED.order_id
 WHERE f.order_id = EXCLUDED.order_id OR EXISTS (
       SELECT FROM orders_order o WHERE o.id = f.order_id AND o.state = ANY(%(gone)s))
"""
_JOIN = """
WITH followed AS (
    DELETE FROM campaigns_firstorder WHERE whose = %(loser)s RETURNING order_id
)
INSERT INTO campaigns_firstorder (whose, order_id)
SELECT %(winner)s, order_id FROM followed ON CONFLICT DO NOTHING
"""


def buys_first(request: PriceRequest) -> bool:
    """Tell whether a known buyer has neither bought nor another order that is first.

    Asks the database once a request.
    """
    asked = _asked(request)
    if asked not in request.reads:
        request.reads[asked] = _is_first(request.member_id, request.order_id)
    return request.reads[asked]


def take_as_first(request: PriceRequest, *, is_first: bool) -> None:
    """Answer so for a request of another day."""
    request.reads[_asked(request)] = is_first


def _asked(request: PriceRequest) -> tuple[object, ...]:
    return ("campaigns.first", request.member_id, request.order_id)


def _is_first(member_id: int, order_id: int | None) -> bool:
    marks = marks_of_member(member_id=member_id)
    others = FirstOrder.objects.filter(whose__in=marks).exclude(order_id=order_id)
    first = others.exclude(order__state__in=_GONE).values("order_id")
    return not bought_by(member_id=member_id, marks=marks).union(first).exists()


def claim_first_order(*, order_id: int, member_id: int, marks: Sequence[str]) -> bool:
    """Make an order the first of its buyer; return False where it is not.

    As often as its offers like: the same order may have several advantages. Inside the
    transaction of the order, which whoever hears False undoes.
    """
    if has_bought(member_id=member_id, marks=marks):
        return False
    told = {"order": order_id, "marks": list(marks), "gone": list(_GONE)}
    with planned_cursor() as cursor:
        cursor.execute(_CLAIM, told)
        return cursor.rowcount == len(marks)


def join_first_orders(*, loser: str, winner: str) -> None:
    """Let the first order of a member be that of the one they became (C11)."""
    with planned_cursor() as cursor:
        cursor.execute(_JOIN, {"loser": loser, "winner": winner})
