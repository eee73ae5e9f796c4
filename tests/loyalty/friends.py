"""Friends who join by invitation, and what they buy. Tests of referrals call these."""

from datetime import datetime, timedelta

from loyalty.models import PointsAccount, Referral, ReferralProgram
from loyalty.services.referring import open_referral, review_of_order
from members.models import Invitation, Member
from orders.models import Order
from tests.cast import NOON, make_member
from tests.loyalty.books import paid_order

#: An order of a friend, delivered on the day it was paid, can be sent back until then.
DAY = timedelta(days=1)
CLOSED = NOON + 15 * DAY


def promise(**terms) -> ReferralProgram:
    """Switch the program on: 100 for each by the first paid order, unless told."""
    terms = {"is_active": True, "conversion": "first_order", **terms}
    ReferralProgram.objects.update(**terms)
    return ReferralProgram.objects.get()


def befriended(inviter: Member, serial: int, *, at: datetime = NOON, **fields):
    """Write a member who joined with the code of ``inviter``."""
    friend = make_member(serial, joined_at=at, **fields)
    Invitation.objects.create(inviter=inviter, invitee=friend, accepted_at=at)
    return friend


def brought(inviter: Member, serial: int, *, at: datetime = NOON, **fields) -> Referral:
    """Return the referral of a friend who just joined."""
    friend = befriended(inviter, serial, at=at, **fields)
    return open_referral(friend_id=friend.pk, now=at)


def buys(referral: Referral, net_minor: int = 10_000, *, at=NOON, **more) -> Order:
    """Let the friend pay an order and its fact arrive."""
    order = paid_order(referral.friend, net_minor, at=at, **more)
    review_of_order(order_id=order.pk, now=at)
    referral.refresh_from_db()
    return order


def delivered(order: Order, *, at: datetime = NOON) -> Order:
    """Let an order arrive."""
    order.state, order.delivered_at = Order.State.DELIVERED, at
    order.save()
    return order


def points_of(member: Member) -> int:
    """Return the balance less debt; 0 without an account."""
    account = PointsAccount.objects.filter(pk=member.pk).first()
    return account.balance - account.debt if account else 0
