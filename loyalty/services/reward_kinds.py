"""What a reward can be: one class a kind, named in ``crm.wiring.REWARD_KINDS``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from crm import wiring
from crm.shared.errors import Refusal
from loyalty.models import Reward, RewardRedemption

#: Actor of what the program does for a reward.
ACTOR = "loyalty.rewards"


class RewardIncomplete(Refusal):
    """This reward does not say what the member gets."""

    code = "reward_incomplete"
    message = _("This reward does not say what the member gets.")


class RewardGone(Refusal):
    """No piece of this reward is left."""

    code = "reward_gone"
    message = _("No piece of this reward is left.")


class RewardUsed(Refusal):
    """What this reward brought was used already, so it cannot be given back."""

    code = "reward_used"
    message = _(
        "What this reward brought was used already, so it cannot be given back."
    )


class SeatTooLate(RewardGone):
    """It has begun: there are no more seats to be had."""

    code = "seat_too_late"
    message = _("It has begun: there are no more seats to be had.")


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to be given to whom: by a redemption, or for a friend who counts.

    ``terms`` are as ``RewardRedemption.terms``; of them a kind reads what it needs.
    ``source`` is how ledgers name the cause, ``result`` what it brought.
    """

    member_id: int
    terms: Mapping[str, Any]
    source: str
    result: str = ""


class RewardKind(Protocol):
    """What a kind of reward does, in the transaction of whoever promised it."""

    #: What the kind is called, translatable.
    label: Any
    #: The field of the reward that says what of it; empty where none is needed.
    needs: str
    #: Whether staff send it: it waits for them, to an address.
    is_sent: bool

    def choices(self) -> Sequence[tuple[str, Any]]:
        """Return what ``template`` of the reward may be, with names; mostly nothing."""

    def check(self, reward: Reward) -> None:
        """Say no where the reward does not tell what the member gets.

        Raises:
            RewardIncomplete: it does not, or what it names is no more.
        """

    def fulfil(self, promise: Promise, *, now: datetime) -> str:
        """Give what was promised, or put it aside; return what it is called.

        Raises:
            RewardGone: there is none left.
            RewardIncomplete: what it names is no more.
        """

    def undo(self, promise: Promise, *, now: datetime) -> None:
        """Take back what was given; stock and points are the caller's.

        Raises:
            RewardUsed: it was used already.
        """


def reward_kind(code: str) -> RewardKind:
    """Return what rewards of a kind do."""
    return import_string(wiring.REWARD_KINDS[code])()


def kind_choices() -> list[tuple[str, Any]]:
    """Return every kind with its name, for staff to choose from."""
    return [(code, reward_kind(code).label) for code in wiring.REWARD_KINDS]


def template_choices() -> list[tuple[str, Any]]:
    """Return what rewards and gifts may be made from, such as templates of coupons."""
    return [
        each for code in wiring.REWARD_KINDS for each in reward_kind(code).choices()
    ]


def promise_of(redemption: RewardRedemption) -> Promise:
    """Return what a redemption promises."""
    return Promise(
        member_id=redemption.member_id,
        terms=redemption.terms,
        source=source_of_redemption(redemption),
        result=redemption.result,
    )


def source_of_redemption(redemption: RewardRedemption) -> str:
    """Return how ledgers name a redemption."""
    return f"reward:{redemption.public_id}"
