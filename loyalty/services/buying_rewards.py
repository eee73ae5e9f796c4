"""Rewards that cost points and money: an order of one line is what pays for them.

Points are what the order spends (``loyalty.offers``) and money is what it costs, so one
order holds both, is paid or not, and gives both back: nothing of it is done here again.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from crm.shared.outbox import record
from loyalty.events import RedemptionEnded, RewardRedeemed
from loyalty.models import Reward, RewardRedemption
from loyalty.rules.rewards import AGREED, may_move
from loyalty.services.locking_redemptions import locked_redemption
from loyalty.services.reward_kinds import RewardGone, RewardIncomplete
from members.models import Address
from orders.models import Order
from orders.services.agreed_orders import Agreement, place_agreed_order
from orders.services.payment import start_payment
from orders.services.stocking import OutOfStock
from orders.services.wallets import lock_wallet

_State = RewardRedemption.State
_WALLET = "wallet"


def order_reward(
    redemption: RewardRedemption,
    *,
    address: Address,
    from_wallet: bool,
    now: datetime,
) -> None:
    """Order what a redemption promises, for its points and its money (P13, P23).

    The caller holds the member and the account and has taken the piece; the order is
    written and its points are reserved in the same transaction, or nothing is. Unless
    stored value pays it at once there is as long to pay as for every order.

    Raises:
        RewardIncomplete: the SKU costs no more than the money the reward asks for.
        RewardGone: the shelf is empty.
        ItemUnavailable: the shop does not sell the SKU at the moment.
        NotEnoughPoints, PointsFrozen, WalletNotUsable, NotEnoughInWallet: as they say.
    """
    variant = redemption.reward.variant
    if variant is None or variant.price_minor <= redemption.price_minor:
        raise RewardIncomplete
    if from_wallet:
        # Before the stock: so everybody locks them.
        lock_wallet(member_id=redemption.member_id)
    redemption.state, redemption.refundable_until = _State.UNPAID, None
    redemption.save(force_insert=True)
    try:
        redemption.order = place_agreed_order(
            member_id=redemption.member_id,
            agreement=Agreement(variant.pk, variant.price_minor, AGREED),
            address=address.public_id,
            now=now,
        )
    except OutOfStock as short:
        raise RewardGone from short
    redemption.save(update_fields=["order"])
    if from_wallet:
        start_payment(order_id=redemption.order.pk, provider=_WALLET, now=now)
        _give(redemption)


@transaction.atomic
def give_paid_reward(*, order_id: int, now: datetime) -> bool:
    """Note that the order of a reward is paid: the goods are the member's; once.

    Returns:
        Whether this call noted it.
    """
    row = _of_order(order_id, now)
    if row is None or row.state != _State.UNPAID:
        return False
    _give(row)
    return True


def _give(row: RewardRedemption) -> None:
    row.state, row.result = _State.FULFILLED, f"order:{row.order.public_id}"
    row.save(update_fields=["state", "result"])
    record(
        RewardRedeemed(member_id=row.member_id, redemption_id=row.pk, points=row.points)
    )


@transaction.atomic
def end_ordered_reward(*, order_id: int, now: datetime) -> bool:
    """End a reward whose order was cancelled or wholly refunded (P20); once.

    The order gave points and money back; here the piece goes back.

    Returns:
        Whether this call ended it.
    """
    row = _of_order(order_id, now)
    if row is None or row.ended_at is not None:
        return False
    is_cancelled = row.order.state == Order.State.CANCELLED
    to_state = _State.CANCELLED if is_cancelled else _State.REFUNDED
    assert may_move(row.state, to_state)
    Reward.objects.filter(pk=row.reward_id).update(taken=F("taken") - 1)
    row.state, row.ended_at = to_state, now
    row.save(update_fields=["state", "ended_at"])
    record(RedemptionEnded(member_id=row.member_id, redemption_id=row.pk))
    return True


def _of_order(order_id: int, now: datetime) -> RewardRedemption | None:
    found = RewardRedemption.objects.filter(order_id=order_id)
    public_id = found.values_list("public_id", flat=True).first()
    return None if public_id is None else locked_redemption(public_id, now=now)
