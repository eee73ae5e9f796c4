"""Providers that stand in for stored value."""

from typing import ClassVar

from orders.providers.base import RefundAnswer
from orders.providers.test import TestProvider


class Silent(TestProvider):
    """A gateway that must not be asked."""

    def refund(self, **_given) -> RefundAnswer:
        raise AssertionError("The gateway was asked for what goes to stored value.")


class Books(TestProvider):
    """Stored value that counts what it got, by the name of the payment."""

    got: ClassVar[dict[str, tuple[str, int]]] = {}

    def refund(
        self, *, key: str, reference: str, amount_minor: int, currency: str
    ) -> RefundAnswer:
        self.got.setdefault(key, (reference, amount_minor))
        return RefundAnswer.DONE
