"""Stored value as a way to pay: the shop is its own gateway."""

from collections.abc import Mapping
from typing import ClassVar

from crm.shared import clock
from orders.providers.base import BadSignature, Notice, RefundAnswer, Started
from orders.services.wallets import return_to_wallet


class WalletProvider:
    """Payments from a member's wallet; refunds go back into it."""

    demo_only: ClassVar[bool] = False
    takes_payments: ClassVar[bool] = True
    is_stored_value: ClassVar[bool] = True
    receipt: ClassVar[str] = ""
    is_ready: ClassVar[bool] = True

    def start(self, *, payment_id: str, amount_minor: int, currency: str) -> Started:
        """Do nothing: what is held is held already."""
        return Started(payment_id, "")

    def query(
        self, *, payment_id: str, amount_minor: int, currency: str
    ) -> Notice | None:
        """Know of nothing that is under way elsewhere."""
        return None

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        """Book it into the wallet of whose order it was."""
        return_to_wallet(
            payment_ref=reference, key=key, amount_minor=amount_minor, now=clock.now()
        )
        return RefundAnswer.DONE

    def read_callback(self, *, body: bytes, headers: Mapping[str, str]) -> Notice:
        """Refuse: nobody tells us what stands in our own books."""
        raise BadSignature
