"""The kinds of rewards this app and those below can give by themselves."""

import secrets
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from loyalty.models import Reward
from loyalty.rules.tickets import new_ticket
from loyalty.services.buying_benefits import buy_use, give_use_back
from loyalty.services.reward_kinds import (
    ACTOR,
    Promise,
    RewardGone,
    RewardIncomplete,
    RewardUsed,
    SeatTooLate,
)
from orders.models import WalletEntry
from orders.services.counting_stock import (
    LessThanReserved,
    StockNotKept,
    adjust_stock,
)
from orders.services.wallets import NotEnoughInWallet, book_entry


class _Kind:
    """A kind that needs one field of the reward, or none."""

    label: Any
    needs = ""
    is_sent = False

    def choices(self) -> list[tuple[str, Any]]:
        """Return nothing: it is made from no template."""
        return []

    def check(self, reward: Reward) -> None:
        """Refuse a reward without the field it needs."""
        if self.needs and not getattr(reward, self.needs):
            raise RewardIncomplete


class GoodsReward(_Kind):
    """A piece from the shelf that staff send.

    It leaves the books of the stock with the redemption, so nobody can buy it any more.
    What is promised to buyers is never given away.
    """

    label = _("goods")
    needs = "variant"
    is_sent = True

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Take a piece off the shelf; where stock is not kept there is always one."""
        try:
            self._move(promise, -1, now)
        except StockNotKept:
            return ""
        except LessThanReserved as short:
            raise RewardGone from short
        return f"sku:{promise.terms['sku']}"

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Put the piece back where it was taken off, if pieces are counted still."""
        if promise.result:
            with suppress(StockNotKept):
                self._move(promise, 1, now)

    def _move(self, promise: Promise, units: int, now: datetime) -> None:
        adjust_stock(
            variant_id=promise.terms["variant"],
            units=units,
            actor=ACTOR,
            reason=promise.source,
            now=now,
        )


class StoredValueReward(_Kind):
    """Money in the member's wallet."""

    label = _("stored value")
    needs = "amount_minor"

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Pay in."""
        entry = book_entry(
            member_id=promise.member_id,
            kind=WalletEntry.Kind.REWARD,
            amount_minor=promise.terms["amount_minor"],
            source=promise.source,
            now=now,
            actor=ACTOR,
        )
        return entry.public_id

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Pay out again what is still there in full."""
        try:
            book_entry(
                member_id=promise.member_id,
                kind=WalletEntry.Kind.REWARD_BACK,
                amount_minor=-promise.terms["amount_minor"],
                source=promise.source,
                now=now,
                actor=ACTOR,
            )
        except NotEnoughInWallet as short:
            raise RewardUsed from short


class BenefitReward(_Kind):
    """One more use of a benefit, in the period that runs."""

    label = _("benefit")
    needs = "benefit"

    def check(self, reward: Reward) -> None:
        """Refuse a benefit that nobody can use any more."""
        super().check(reward)
        if not reward.benefit.is_active:
            raise RewardIncomplete

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Add the use; whom a sanction took the benefit from is refused."""
        return buy_use(
            benefit_id=promise.terms["benefit"],
            member_id=promise.member_id,
            now=now,
        )

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Take the use away again, if it is still there."""
        if not give_use_back(
            member_id=promise.member_id, bought=promise.result, now=now
        ):
            raise RewardUsed


class DonationReward(_Kind):
    """Money the shop gives to a good cause: the redemption itself is the promise."""

    label = _("donation")
    needs = "amount_minor"

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Nothing more to do: ``donations_by_month`` adds them up."""
        return ""

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Nothing to take back."""


class SeatReward(_Kind):
    """A seat at an occasion of the shop: the pieces of the reward are the seats."""

    label = _("event seat")
    needs = "seat_at"

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Write a ticket, unless it has begun."""
        if now >= datetime.fromisoformat(promise.terms["seat_at"]):
            raise SeatTooLate
        return new_ticket(secrets.choice)

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Nothing to take back: the door asks how far the redemption is."""
