"""Money that another system of the shop took, and gives back itself.

Its orders come in by the server API with their tenders. Nothing is asked of anybody
when such a payment is refunded: the other system has told us that it is done.
"""

from collections.abc import Mapping
from typing import ClassVar

from orders.providers.base import (
    BadSignature,
    Notice,
    RefundAnswer,
    Started,
    UnknownProvider,
)

#: Its code in ``crm.wiring.PAYMENT_PROVIDERS``.
ELSEWHERE = "elsewhere"


class ElsewhereProvider:
    """A till or a gateway that is not ours."""

    demo_only: ClassVar[bool] = False
    takes_payments: ClassVar[bool] = False
    is_stored_value: ClassVar[bool] = False
    receipt: ClassVar[str] = ""
    is_ready: ClassVar[bool] = True

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Refuse: nobody pays here by it.

        Raises:
            UnknownProvider: always.
        """
        raise UnknownProvider

    def query(
        self, *, payment_id: str, amount_minor: int, currency: str
    ) -> Notice | None:
        """Know of nothing that is under way here."""
        return None

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        """Take note: the money went back there."""
        return RefundAnswer.DONE

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Refuse: it sends no messages.

        Raises:
            BadSignature: always.
        """
        raise BadSignature
