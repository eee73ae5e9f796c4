"""Which moves an order may make, who makes them, and where it stands. Plain Python.

The names are the values of ``orders.models.Order.State``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

#: Who moves orders: the member who bought, a login of staff, the shop's own programs
#: (payments, deadlines), a program with a server key.
BUYER, STAFF, SYSTEM, SERVER = "buyer", "staff", "system", "server"
_ANYBODY = frozenset({BUYER, STAFF, SYSTEM, SERVER})
#: Money came: never because the buyer says so.
_CASHIER = frozenset({STAFF, SYSTEM, SERVER})
#: Parcels leave or get lost. The system only where a refund ends what was to be sent.
_WAREHOUSE = frozenset({STAFF, SERVER})
_SENT = frozenset({STAFF, SYSTEM, SERVER})

#: State -> state it may move to -> who may do that; everything else is refused. What
#: needs no delivery is completed when paid. Units of a lost parcel are to be sent
#: again, so the way of an order may lead back. "Partly refunded" is no state of its
#: own: an order that got some money back is still on its way.
MOVES: dict[str, dict[str, frozenset[str]]] = {
    "pending": {"paid": _CASHIER, "cancelled": _ANYBODY},
    "paid": {
        "partly_shipped": _WAREHOUSE,
        "shipped": _WAREHOUSE,
        "completed": _SENT,
        "refunded": _ANYBODY,
    },
    "partly_shipped": {
        "paid": _WAREHOUSE,
        "shipped": _SENT,
        "completed": _SENT,
        "refunded": _ANYBODY,
    },
    "shipped": {
        "paid": _WAREHOUSE,
        "partly_shipped": _WAREHOUSE,
        "delivered": _ANYBODY,
        "refunded": _ANYBODY,
    },
    "delivered": {"completed": _ANYBODY, "refunded": _ANYBODY},
    "completed": {"refunded": _ANYBODY},
    "cancelled": {},
    "refunded": {},
}

#: Paid, and not wholly given back: what counts as a purchase (R19).
STANDING = ("paid", "partly_shipped", "shipped", "delivered", "completed")
#: Paid at some time, whatever became of it.
SOLD = (*STANDING, "refunded")
#: Units may leave the house.
SHIPPABLE = ("paid", "partly_shipped")

#: What buyers look for -> the states it means.
GROUPS: dict[str, tuple[str, ...]] = {
    "to_pay": ("pending",),
    "to_ship": ("paid", "partly_shipped"),
    "on_the_way": ("partly_shipped", "shipped"),
    "done": ("delivered", "completed"),
    "closed": ("cancelled", "refunded"),
}


def may_move(from_state: str, to_state: str, who: str = "") -> bool:
    """Whether an order in ``from_state`` may become ``to_state``.

    Args:
        who: one of BUYER, STAFF, SYSTEM, SERVER; empty asks for anybody.

    >>> may_move("pending", "paid"), may_move("pending", "paid", BUYER)
    (True, False)
    """
    allowed = MOVES[from_state].get(to_state, frozenset())
    return who in allowed if who else bool(allowed)


def states_before(to_state: str) -> list[str]:
    """Return the states from which ``to_state`` can be reached in one move.

    >>> states_before("cancelled")
    ['pending']
    """
    return sorted(state for state, nexts in MOVES.items() if to_state in nexts)


# --- Where an order stands ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one line: bought, given back for good, and sent.

    ``needs_delivery`` is false for what has no parcel: gift cards, freight, fees.
    ``returning`` units are asked back, and not yet given back.
    """

    bought: int
    refunded: int
    shipped: int
    needs_delivery: bool = True
    returning: int = 0
    is_reviewed: bool = False

    @property
    def to_ship(self) -> int:
        """Return how many must still leave; units given back are first those kept."""
        if not self.needs_delivery:
            return 0
        return max(0, self.bought - self.refunded - self.shipped)


def delivery_state(lines: Iterable[Units], *, is_under_way: bool) -> str:
    """Return the state of a paid order by what was sent of it.

    Args:
        is_under_way: whether a parcel has left and not arrived.

    >>> delivery_state([Units(3, 0, 2)], is_under_way=True)
    'partly_shipped'
    >>> delivery_state([Units(3, 1, 2)], is_under_way=False)
    'delivered'
    """
    lines = list(lines)
    to_ship = sum(line.to_ship for line in lines)
    shipped = sum(line.shipped for line in lines)
    if to_ship:
        return "partly_shipped" if shipped else "paid"
    if not shipped:
        return "completed"
    return "shipped" if is_under_way else "delivered"


def way_to(from_state: str, to_state: str) -> list[str]:
    """Return the states an order goes through from one to another, the last included.

    Empty when it is there already. What arrived has been sent: an order goes from
    ``paid`` to ``delivered`` by way of ``shipped``.

    Raises:
        ValueError: no way leads there.

    >>> way_to("paid", "delivered"), way_to("shipped", "shipped")
    (['shipped', 'delivered'], [])
    """
    ways: list[list[str]] = [[]]
    seen = {from_state}
    while ways:
        way = ways.pop(0)
        here = way[-1] if way else from_state
        if here == to_state:
            return way
        nexts = [state for state in MOVES[here] if state not in seen]
        seen.update(nexts)
        ways += [[*way, state] for state in nexts]
    raise ValueError(f"An order cannot go from {from_state} to {to_state}.")


def buyer_may(
    state: str,
    lines: Iterable[Units],
    *,
    is_ours: bool,
    is_overdue: bool,
    is_return_late: bool = False,
) -> dict[str, bool]:
    """Return what a buyer may do with an order now.

    Args:
        is_ours: whether it was placed here; another system settles its own.
        is_overdue: whether its payment is too late.
        is_return_late: whether a return can no longer be asked for (R17).

    >>> [deed for deed, yes in buyer_may(
    ...     "shipped", [Units(1, 0, 1)], is_ours=True, is_overdue=False).items() if yes]
    ['confirm', 'return']
    """
    waits = state == "pending" and is_ours
    goods = [line for line in lines if line.needs_delivery]
    kept = [line for line in goods if line.bought > line.refunded]
    can_go_back = any(line.bought > line.refunded + line.returning for line in kept)
    has_no_review = any(not line.is_reviewed for line in kept)
    return {
        "cancel": waits,
        "pay": waits and not is_overdue,
        "confirm": state in {"shipped", "delivered"},
        "return": can_go_back
        and not is_return_late
        and state in {"partly_shipped", "shipped", "delivered", "completed"},
        "review": has_no_review and state in {"delivered", "completed"},
    }
