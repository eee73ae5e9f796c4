"""Plants friends who were brought: one who waits, one rewarded, one of each end.

Everything goes through the real services. Found again by
``tests/console/test_demo.py``.
"""

from datetime import datetime, timedelta

from campaigns.models import CouponTemplate
from crm.console.demo.checkout import order_of, pay
from crm.console.demo.shop import SOURCE, DemoShop
from crm.shared.outbox import drain
from loyalty.models import Referral, ReferralProgram
from loyalty.services.deciding_referrals import reject_referral
from members.models import Member
from members.services.addressing import add_address
from members.services.inviting import accept_invitation, invitation_code_of
from members.services.numbering import next_numbers
from orders.models import Order
from orders.services.refunding import refund_order
from orders.services.returning import send_due_refunds

ACTOR = "lin@demo.local"
#: Neither the SKU whose demand is tested nor those of other stories.
SKU = "XM-0016"
#: State -> name of the friend, and whether the inviter's address is theirs, too.
FRIENDS = {
    "waiting": ("周晓彤", "Nina Weber", False),
    "rewarded": ("孙嘉怡", "Clara Moreau", False),
    "reversed": ("吴子涵", "Ivan Petrov", False),
    "held": ("郑雅文", "Lena Fischer", True),
    "rejected": ("冯一凡", "Tom Baker", True),
}


def plant(shop: DemoShop) -> None:
    """Switch the program on and let five friends come by one code."""
    coupon = CouponTemplate.objects.filter(state="live").order_by("pk").first()
    ReferralProgram.objects.update(
        friend_template=coupon.public_id if coupon else "",
        is_active=True,
        conversion="first_order",
        inviter_points=200,
        friend_points=100,
        milestone_every=5,
        milestone_points=300,
        cap_friends=20,
        velocity_friends=10,
    )
    inviter = Member.objects.get(pk=shop.members[-5][0])
    _live_at(inviter, shop.now)
    code = invitation_code_of(member_id=inviter.pk, now=shop.now)
    found = {
        state: _come(shop, state, code=code, at=shop.now - timedelta(hours=2))
        for state in FRIENDS
    }
    refund_order(
        order_id=found["reversed"].order_id,
        items={1: 1},
        reason=shop.text("不喜欢", "Did not like it"),
        actor=ACTOR,
        request_key="demo:referral",
        now=shop.now - timedelta(minutes=50),
    )
    reject_referral(
        referral_id=found["rejected"].pk,
        reason=shop.text("同一地址，同一人", "One address, one person"),
        actor=ACTOR,
        now=shop.now - timedelta(minutes=40),
    )
    send_due_refunds(now=shop.now)
    drain(now=shop.now)


def _come(shop: DemoShop, state: str, *, code: str, at: datetime) -> Referral:
    """Let a friend join by the code and buy, but for the one who waits."""
    chinese, english, lives_there = FRIENDS[state]
    # Not by ``join``, which draws ids of its own: a seed gives the same shop.
    friend = Member.objects.create(
        public_id=shop.public_id("mem"),
        number=next_numbers(1)[0],
        name=shop.text(chinese, english),
        email=f"friend-{state}@example.com",
        language="en" if shop.language == "en" else "zh-hans",
        source=SOURCE,
        external_id=f"demo-friend-{state}",
        is_demo=True,
        joined_at=at,
    )
    accept_invitation(member_id=friend.pk, code=code, now=at)
    drain(now=at)
    if lives_there:
        _live_at(friend, at)
    if state != "waiting":
        _buy(friend, at + timedelta(minutes=10))
    return Referral.objects.get(friend=friend)


def _buy(friend: Member, at: datetime) -> Order:
    order = order_of(member_id=friend.pk, items={SKU: 1}, at=at)
    pay(order, at=at)
    drain(now=at)
    return order


def _live_at(member: Member, at: datetime) -> None:
    home = {
        "recipient": "家",
        "country": "CN",
        "province": "浙江省",
        "city": "杭州市",
        "street": "文三路 90 号 5 幢 302 室",
    }
    add_address(member_id=member.pk, lines=home, is_default=False, now=at)
