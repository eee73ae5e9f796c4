"""Facts the orders app publishes. Ids and whole numbers only.

Facts of one order share a ``key``: they reach each subscriber in their order.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """An order was placed and waits for its payment."""

    name: ClassVar[str] = "orders.OrderPlaced"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """An order was paid in full."""

    name: ClassVar[str] = "orders.OrderPaid"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderPaidWaiting:
    """An order was paid that waits for more than its payment; no purchase yet (G15).

    ``OrderPaid`` follows when the waiting ends well.
    """

    name: ClassVar[str] = "orders.OrderPaidWaiting"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """An unpaid order was cancelled, by a person or by its deadline."""

    name: ClassVar[str] = "orders.OrderCancelled"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class ShipmentSent:
    """A parcel left the house; the order may have more to come."""

    name: ClassVar[str] = "orders.ShipmentSent"
    shipment_id: int
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderShipped:
    """Every unit of an order is on its way."""

    name: ClassVar[str] = "orders.OrderShipped"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderDelivered:
    """An order reached its buyer; time limits of returns count from here (R17)."""

    name: ClassVar[str] = "orders.OrderDelivered"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """An order is done: the buyer said so, or time did."""

    name: ClassVar[str] = "orders.OrderCompleted"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class ReturnMoved:
    """A return was asked for, went on, or is over: other units may be asked back."""

    name: ClassVar[str] = "orders.ReturnMoved"
    return_id: int
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class RefundCompleted:
    """Money of a refund went back to the buyer."""

    name: ClassVar[str] = "orders.RefundCompleted"
    refund_id: int
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class OrderRefunded:
    """Nothing of an order is left: all went back, or was given up on the way."""

    name: ClassVar[str] = "orders.OrderRefunded"
    order_id: int

    @property
    def key(self) -> str:
        """Return the order's place in the queue."""
        return f"order:{self.order_id}"


@dataclass(frozen=True, slots=True)
class ReviewPublished:
    """A review can be read by everybody."""

    name: ClassVar[str] = "orders.ReviewPublished"
    review_id: int

    @property
    def key(self) -> str:
        """Return the review's place in the queue."""
        return f"review:{self.review_id}"


@dataclass(frozen=True, slots=True)
class ReviewRejected:
    """A review was refused, or taken down."""

    name: ClassVar[str] = "orders.ReviewRejected"
    review_id: int

    @property
    def key(self) -> str:
        """Return the review's place in the queue."""
        return f"review:{self.review_id}"


@dataclass(frozen=True, slots=True)
class OrdersImported:
    """A file of past orders was brought in completely."""

    name: ClassVar[str] = "orders.OrdersImported"
    batch_id: int
    source: str
