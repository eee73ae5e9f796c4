"""Taking a reward for points: all of it in one transaction, or nothing."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crm.shared.errors import Refusal
from crm.shared.money import display_amount
from crm.shared.outbox import record
from loyalty.events import RewardRedeemed
from loyalty.models import Reward, RewardRedemption
from loyalty.queries.rewards import ShownReward, shown_reward, standing_count
from loyalty.rules.rewards import end_of_days, refund_deadline
from loyalty.services.buying_rewards import order_reward
from loyalty.services.posting import locked_account
from loyalty.services.redeeming import MemberMayNotRedeem, redeem_points
from loyalty.services.reward_kinds import (
    RewardGone,
    promise_of,
    reward_kind,
    source_of_redemption,
)
from members.models import Address, Member

_State = RewardRedemption.State


class RewardNotOnOffer(Refusal):
    """There is no such reward for you."""

    code = "reward_not_on_offer"
    status = 404
    message = _("There is no such reward for you.")


class RewardPriceChanged(Refusal):
    """The reward costs %(points)s points now."""

    code = "reward_price_changed"
    message = _("The reward costs %(points)s points now. Please look again.")


class RewardPriceInMoneyChanged(RewardPriceChanged):
    """The reward costs points and money now."""

    message = _(
        "The reward costs %(points)s points and %(price)s now. Please look again."
    )


class RewardLimitReached(Refusal):
    """You have this reward as often as it is given to one member."""

    code = "reward_member_limit"
    message = _("You have this reward as often as it is given to one member.")


class AddressNeeded(Refusal):
    """Say where to send it."""

    code = "address_needed"
    status = 422
    pointer = "/address"
    message = _("Say where to send it: choose one of your addresses.")


@transaction.atomic
def redeem_reward(
    *,
    reward: str,
    member_id: int,
    source: str,
    address: str = "",
    expected_points: int | None = None,
    expected_minor: int | None = None,
    from_wallet: bool = False,
    now: datetime,
) -> RewardRedemption:
    """Give a member a reward for points, first to end first (P12), once per source.

    The member's row and account are locked first, so one member's redemptions come one
    after the other (P30); the pieces left are a conditional write (X5).

    What costs money, too, is ordered and stays unpaid until its order is paid; see
    ``buying_rewards``.

    Args:
        reward: its public id.
        source: the cause; at most 80 characters, the same for a retry (X1).
        address: public id of one of the member's addresses, for what is sent; without
            one it goes to the default address.
        expected_points: the price the member saw; None agrees to any.
        expected_minor: the money besides, in minor units; None agrees to any.
        from_wallet: pay the order of a reward that costs money from stored value.

    Raises:
        RewardNotOnOffer: unknown, not now, or not for this member.
        RewardPriceChanged: it costs something else; carries the price.
        RewardLimitReached, RewardGone, RewardIncomplete, AddressNeeded: as they say.
        SeatTooLate: its occasion has begun.
        MemberMayNotRedeem: the membership is frozen or over.
        NotEnoughPoints, PointsFrozen: the points do not pay for it; nothing is taken.
        WalletNotUsable, NotEnoughInWallet: nor does stored value.
        ItemUnavailable: the shop does not sell at the moment what costs money, too.
    """
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    done = RewardRedemption.objects.filter(source=source).first()
    if done is not None:
        return done
    if not member.may_spend:
        raise MemberMayNotRedeem
    locked_account(member_id=member_id, now=now)
    shown = _agreed(reward, member_id, (expected_points, expected_minor), now)
    redemption = _redemption(shown, member_id=member_id, source=source, now=now)
    if shown.price_minor:
        home = _address(member_id, address)
        take_piece(reward_id=shown.reward.pk)
        order_reward(redemption, address=home, from_wallet=from_wallet, now=now)
    else:
        _give(redemption, address=address, now=now)
    return redemption


def _give(redemption: RewardRedemption, *, address: str, now: datetime) -> None:
    """Take the points and the piece, then give what the kind gives, or let it wait."""
    reward = redemption.reward
    kind = reward_kind(reward.kind)
    if kind.is_sent:
        redemption.state = _State.REQUESTED
        redemption.due_at = end_of_days(now, days=reward.due_days, zone=_zone())
        redemption.address = _address(redemption.member_id, address)
    if redemption.points:
        redeem_points(
            member_id=redemption.member_id,
            points=redemption.points,
            source=source_of_redemption(redemption),
            now=now,
        )
    take_piece(reward_id=reward.pk)
    redemption.result = kind.fulfil(promise_of(redemption), now=now)
    redemption.save(force_insert=True)
    record(
        RewardRedeemed(
            member_id=redemption.member_id,
            redemption_id=redemption.pk,
            points=redemption.points,
        )
    )


def take_piece(*, reward_id: int) -> None:
    """Take a piece off a reward's stock by one conditional write (X5).

    Raises:
        RewardGone: none is left.
    """
    there = Q(stock__isnull=True) | Q(taken__lt=F("stock"))
    rewards = Reward.objects.filter(there, pk=reward_id)
    if not rewards.update(taken=F("taken") + 1):
        raise RewardGone


def _agreed(
    public_id: str,
    member_id: int,
    expected: tuple[int | None, int | None],
    now: datetime,
) -> ShownReward:
    """Return a reward at the price the member agreed to, if there is all it needs."""
    shown = shown_reward(public_id=public_id, member_id=member_id, at=now)
    if shown is None:
        raise RewardNotOnOffer
    price = (shown.points, shown.price_minor)
    if any(e is not None and e != p for e, p in zip(expected, price, strict=True)):
        raise _changed(shown)
    reward = shown.reward
    if reward.member_limit is not None:
        # Counted under the lock of the member: nobody else adds one meanwhile.
        mine = standing_count(reward_id=reward.pk, member_id=member_id)
        if mine >= reward.member_limit:
            raise RewardLimitReached
    reward_kind(reward.kind).check(reward)
    return shown


def _changed(shown: ShownReward) -> RewardPriceChanged:
    if not shown.price_minor:
        return RewardPriceChanged(points=shown.points)
    price = display_amount(shown.price_minor, settings.SHOP_CURRENCY)
    return RewardPriceInMoneyChanged(points=shown.points, price=price)


def _redemption(
    shown: ShownReward, *, member_id: int, source: str, now: datetime
) -> RewardRedemption:
    reward = shown.reward
    return RewardRedemption(
        reward=reward,
        member_id=member_id,
        kind=reward.kind,
        state=_State.FULFILLED,
        points=shown.points,
        price_minor=shown.price_minor,
        terms=terms_of(reward),
        source=source,
        requested_at=now,
        refundable_until=refund_deadline(
            now, days=reward.refundable_days, zone=_zone(), begins_at=reward.seat_at
        ),
    )


def terms_of(reward: Reward) -> dict[str, Any]:
    """Return what a reward promises today, to keep with a redemption."""
    return {
        "name": reward.name,
        "name_en": reward.name_en,
        "variant": reward.variant_id,
        "sku": reward.variant.sku if reward.variant else "",
        "amount_minor": reward.amount_minor,
        "template": reward.template,
        "benefit": reward.benefit_id,
        "seat_at": reward.seat_at.isoformat() if reward.seat_at else None,
        "place": reward.place,
        "place_en": reward.place_en,
    }


def _address(member_id: int, public_id: str) -> Address:
    mine = Address.objects.filter(member_id=member_id)
    wanted = mine.filter(public_id=public_id) if public_id else mine
    found = wanted.order_by("-is_default", "slot").first()
    if found is None:
        raise AddressNeeded
    return found


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.SHOP_TIME_ZONE)
