"""A gateway that behaves as real ones do, by a script that can be played again.

A script says what happens to each payment and which of its messages come when: after
a while, twice, in another order, or never. ``ScriptedGateway(script).run(until)``
delivers what is due; the same script does the same every time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.models import Payment
from orders.providers.base import NoticeKind
from orders.providers.test import TestProvider
from tests.orders.shop import notify


@dataclass(frozen=True)
class Message:
    """One delivery: of which payment (by its place), what, and how long after now.

    ``attempt`` tells apart messages that are not the same one again; a ``lost`` one
    happened at the gateway, and nobody was told.
    """

    payment: int
    kind: str
    after: timedelta
    attempt: int = 1
    lost: bool = False


class ScriptedGateway:
    """Delivers messages by a script; knows the outcome of what it captured."""

    def __init__(self, script: Sequence[Message], *, started: datetime):
        self.script = sorted(enumerate(script), key=lambda each: (each[1].after, each))
        self.started = started
        self.done: set[int] = set()

    def decide(self, payment: Payment, kind: NoticeKind) -> None:
        """Let a payment end so, whether or not anybody is told."""
        TestProvider.outcomes[payment.public_id] = kind

    def run(self, payments: Sequence[Payment], *, until: datetime) -> int:
        """Deliver every message that is due; return how many there were."""
        delivered = 0
        for number, message in self.script:
            moment = self.started + message.after
            if number in self.done or moment > until:
                continue
            self.done.add(number)
            delivered += 1
            payment = Payment.objects.select_related("order").get(
                pk=payments[message.payment].pk
            )
            if message.kind == "captured":
                self.decide(payment, NoticeKind.CAPTURED)
            if message.lost:
                continue
            event = f"{payment.public_id}:{message.kind}:{message.attempt}"
            notify(payment, message.kind, now=moment, event_id=event)
        return delivered
