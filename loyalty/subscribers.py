"""What loyalty does when something happened below. One service call each."""

from datetime import datetime

from crm.shared.models import Fact
from loyalty.queries.tier_measures import EVALUATED
from loyalty.queries.tier_terms import lifts_on_delivery
from loyalty.rules.terms import Occasion
from loyalty.services.activating import date_lots
from loyalty.services.asking_back import hold_asked_back
from loyalty.services.buying_rewards import end_ordered_reward, give_paid_reward
from loyalty.services.clawing import settle_refund
from loyalty.services.earning import earn_for_order
from loyalty.services.ending_plans import settle_plan_refund
from loyalty.services.giving_benefits import give_upgrade_gifts
from loyalty.services.holding import release_hold
from loyalty.services.importing import book_import
from loyalty.services.posting import open_accounts
from loyalty.services.referring import open_referral, review_of_order
from loyalty.services.rewarding import (
    reward_invitation,
    reward_joining,
    reward_profile,
    reward_review,
    take_back_of_refund,
    take_review_points_back,
)
from loyalty.services.subscribing import settle_paid_plans
from loyalty.services.tiering import review_tier
from loyalty.services.using_benefits import return_uses_of_order
from loyalty.services.valuing import count_value_of_buyer
from members.queries import standing_id
from orders.models import Order


def open_account(payload: dict, *, fact: Fact, now: datetime) -> None:
    """MemberJoined: open the points account in the lowest tier."""
    open_accounts(member_ids=[payload["member_id"]], now=now)


def look_at_reopened(payload: dict, *, fact: Fact, now: datetime) -> None:
    """MemberStateChanged: who comes back is looked at once (T15).

    What was given back meanwhile undoes what it lifted (T9).
    """
    if payload["to_state"] in EVALUATED and payload["from_state"] not in EVALUATED:
        review_tier(
            member_id=payload["member_id"],
            reason="reopened",
            now=now,
            occasion=Occasion.RETURN,
        )


def lift_for_delivery(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderDelivered, OrderCompleted: where delivery lifts, it counts now (T4)."""
    order = Order.objects.only("public_id", "member_id").get(pk=payload["order_id"])
    if order.member_id is not None and lifts_on_delivery():
        review_tier(
            member_id=order.member_id,
            reason=f"order:{order.public_id}",
            now=now,
            occasion=Occasion.PAYMENT,
            cause=f"order:{order.public_id}",
        )


def earn_points_for_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: spend the reserved points, earn new ones, lift the tier."""
    earn_for_order(order_id=payload["order_id"], now=now)


def settle_plans_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: the plans it bought begin or go on, once."""
    settle_paid_plans(order_id=payload["order_id"], now=now)


def settle_plans_of_refund(payload: dict, *, fact: Fact, now: datetime) -> None:
    """RefundCompleted: unused days of plan fees go (R21)."""
    settle_plan_refund(refund_id=payload["refund_id"], now=now)


def date_points_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderDelivered, OrderCompleted: pending points now know from when they count."""
    date_lots(order_id=payload["order_id"], now=now)


def release_points_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled: free the reserved points."""
    order = Order.objects.only("public_id").get(pk=payload["order_id"])
    release_hold(source=f"order:{order.public_id}", now=now)


def hold_points_asked_back(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ReturnMoved: pending points of units asked back wait for the return (R10)."""
    hold_asked_back(order_id=payload["order_id"], now=now)


def settle_points_of_refund(payload: dict, *, fact: Fact, now: datetime) -> None:
    """RefundCompleted: give back spent points, take back earned ones."""
    settle_refund(refund_id=payload["refund_id"], now=now)


def count_value_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderRefunded: an order of which nothing is left is none (R19)."""
    count_value_of_buyer(order_id=payload["order_id"], now=now)


def post_points_of_import(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrdersImported: book the points of the whole file, telling nobody."""
    book_import(source=payload["source"], now=now)


def reward_new_member(payload: dict, *, fact: Fact, now: datetime) -> None:
    """MemberJoined: grant the points of joining, once, to who is new."""
    if payload.get("is_new", True):
        reward_joining(member_id=payload["member_id"], now=now)


def reward_inviter(payload: dict, *, fact: Fact, now: datetime) -> None:
    """InvitationAccepted: grant the points of an invitation, once for each."""
    reward_invitation(
        inviter_id=payload["inviter_id"], invitee_id=payload["invitee_id"], now=now
    )


def reward_complete_profile(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ProfileCompleted: grant the points of the program, once."""
    reward_profile(member_id=payload["member_id"], now=now)


def reward_published_review(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ReviewPublished: grant the points of the program, once."""
    reward_review(review_id=payload["review_id"], now=now)


def take_back_for_rejected_review(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ReviewRejected: take the points back, if the program says so."""
    take_review_points_back(review_id=payload["review_id"], now=now)


def take_back_for_returned_goods(payload: dict, *, fact: Fact, now: datetime) -> None:
    """RefundCompleted: take the points of reviews back, if the program says so."""
    take_back_of_refund(refund_id=payload["refund_id"], now=now)


def give_gifts_of_tier(payload: dict, *, fact: Fact, now: datetime) -> None:
    """TierChanged: an upgrade brings the gifts it names, once a cycle (T4, T5)."""
    if not payload["is_upgrade"] or payload.get("ladder", "main") != "main":
        return
    for code in payload.get("gifts") or [payload["to_tier_code"]]:
        give_upgrade_gifts(
            member_id=standing_id(payload["member_id"]), tier_code=code, now=now
        )


def give_uses_of_order_back(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled, OrderRefunded: benefits it used may be used again."""
    return_uses_of_order(order_id=payload["order_id"], now=now)


def give_reward_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: a reward that costs money, too, is the member's."""
    give_paid_reward(order_id=payload["order_id"], now=now)


def end_reward_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled, OrderRefunded: a reward it was for is there again."""
    end_ordered_reward(order_id=payload["order_id"], now=now)


def open_referral_of_friend(payload: dict, *, fact: Fact, now: datetime) -> None:
    """InvitationAccepted: promise what the referral program says, once."""
    open_referral(friend_id=payload["invitee_id"], now=now)


def review_referral_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid, RefundCompleted: look what the buyer brings who invited them."""
    review_of_order(order_id=payload["order_id"], now=now)
