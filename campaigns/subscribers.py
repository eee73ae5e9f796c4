"""What campaigns do when something happened below."""

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils.translation import override

from campaigns.models import Coupon, CouponTemplate, Group, Seat
from campaigns.rules.coupons import display_code
from campaigns.services.giving_back import (
    note_refund_of_seat,
    return_overpaid,
    undo_order_of_seat,
)
from campaigns.services.holding import release_order, return_order, settle_order
from campaigns.services.issuing import CouponsAllGone, issue_coupon
from campaigns.services.messaging import refund_words, write_message
from campaigns.services.recognising import note_buyer
from campaigns.services.rewarding import reward_leader, take_reward_back
from campaigns.services.seats import lose_seat, pay_seat
from crm.shared.models import Fact
from loyalty.models import Subscription, Tier
from loyalty.tier_words import missing_words
from members.links import confirm_url
from members.models import ConsentRequest, Member
from members.queries import standing_id
from members.services.confirming import issue_token
from orders.models import Refund, Shipment


def mark_coupons_used(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: the coupons held by the order are used, budgets spent (C9, C22)."""
    settle_order(order_id=payload["order_id"], now=now)


def note_buyer_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaid: whoever paid has bought, under every name they gave (C12)."""
    note_buyer(order_id=payload["order_id"])


def release_offers_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled: give coupons and promotion uses back."""
    release_order(order_id=payload["order_id"])


def return_coupons_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderRefunded: coupons come back once nothing of their order is left (C10)."""
    return_order(order_id=payload["order_id"], now=now)


def pay_seat_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderPaidWaiting: the seat it pays for is taken; a full group succeeds (G5)."""
    pay_seat(order_id=payload["order_id"], now=now)


def free_seat_of_order(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderCancelled: the seat it would have paid for is free."""
    lose_seat(order_id=payload["order_id"], now=now)


def undo_seat(payload: dict, *, fact: Fact, now: datetime) -> None:
    """SeatReleased: cancel its order, or refund it whole (G6, G8)."""
    undo_order_of_seat(seat_id=payload["seat_id"], now=now)


def return_overpaid_of_seat(payload: dict, *, fact: Fact, now: datetime) -> None:
    """SeatOverpaid: give back what the group's price is lower (G11)."""
    return_overpaid(seat_id=payload["seat_id"], now=now)


def note_refund_in_group(payload: dict, *, fact: Fact, now: datetime) -> None:
    """RefundCompleted: mark the seat of the order, nobody else's (G9)."""
    note_refund_of_seat(order_id=payload["order_id"], now=now)


def tell_of_group(payload: dict, *, fact: Fact, now: datetime) -> None:
    """GroupSettled: tell in the app who had a seat when it succeeded or failed."""
    group = Group.objects.select_related("deal").get(pk=payload["group_id"])
    template = _GROUP_NEWS.get((group.state, group.completed_by_shop))
    if template is None:
        return
    seats = group.seats.filter(
        state__in=[Seat.State.PAID, Seat.State.REFUNDED]
    ).select_related("member")
    for seat in seats.order_by("pk"):
        english = seat.member.language.startswith("en")
        deal = (group.deal.name_en if english else "") or group.deal.name
        write_message(
            member_id=standing_id(seat.member_id),
            channel="in_app",
            template=template,
            context={"deal": deal},
            dedupe_key=f"group:{seat.public_id}:{group.state}",
            now=now,
        )


#: How a group ended, and whether the shop completed it -> what its members are told.
_GROUP_NEWS = {
    (Group.State.SUCCEEDED, False): "group_succeeded",
    (Group.State.SUCCEEDED, True): "group_completed_by_shop",
    (Group.State.FAILED, False): "group_failed",
}


def reward_leader_of_group(payload: dict, *, fact: Fact, now: datetime) -> None:
    """GroupSettled: who led it to success gets what was promised at once (G16)."""
    reward_leader(group_id=payload["group_id"], now=now)


def take_leader_reward_back(payload: dict, *, fact: Fact, now: datetime) -> None:
    """OrderRefunded: a seat that was given back brings its leader nothing (G16)."""
    take_reward_back(order_id=payload["order_id"], now=now)


def tell_of_refund(payload: dict, *, fact: Fact, now: datetime) -> None:
    """RefundCompleted: tell the member in the app, once, of money that comes back.

    An exchange that gives none back is no refund to its member.
    """
    refund = Refund.objects.select_related("order").get(pk=payload["refund_id"])
    order = refund.order
    is_even = refund.kind == Refund.Kind.EXCHANGE and not refund.money_minor
    if order.member_id is None or is_even:
        return
    template, context = refund_words(
        order_number=order.number,
        amount_minor=refund.money_minor,
        currency=order.currency,
        points=refund.points_returned,
    )
    write_message(
        member_id=standing_id(order.member_id),
        channel="in_app",
        template=template,
        context=context,
        dedupe_key=f"refund:{refund.public_id}:in_app",
        now=now,
    )


def issue_benefit_coupon(payload: dict, *, fact: Fact, now: datetime) -> None:
    """BenefitDue: the coupon of a gift or drip, once; none where it is not live."""
    live = CouponTemplate.objects.filter(
        public_id=payload["template"], state=CouponTemplate.State.LIVE
    )
    for template in live:
        issue_coupon(
            template_id=template.pk,
            member_id=standing_id(payload["member_id"]),
            source=payload["source"],
            now=now,
        )


def issue_tier_coupon(payload: dict, *, fact: Fact, now: datetime) -> None:
    """TierChanged: an upgrade brings the gifts of the tier, once a cycle (T4, T5).

    Tiers of other ladders than the main one have no gifts.
    """
    if not payload["is_upgrade"] or payload.get("ladder", "main") != "main":
        return
    tiers = payload.get("gifts") or [payload["to_tier_code"]]
    cycle = payload.get("cycle")
    gifts = CouponTemplate.objects.filter(
        for_tier__in=tiers, state=CouponTemplate.State.LIVE
    ).order_by("id")
    for template in gifts:
        source = f"tier:{template.for_tier}"
        issue_coupon(
            template_id=template.pk,
            member_id=standing_id(payload["member_id"]),
            source=f"{source}:{cycle}" if cycle else source,
            now=now,
        )


def warn_of_fall(payload: dict, *, fact: Fact, now: datetime) -> None:
    """TierAtRisk: tell what keeps the tier, in the app and by e-mail, once (T17)."""
    member = Member.objects.get(pk=standing_id(payload["member_id"]))
    tier = Tier.objects.get(ladder__code=payload["ladder"], code=payload["tier_code"])
    english = member.language.startswith("en")
    ends = datetime.fromisoformat(payload["valid_until"])
    last = (ends - datetime.resolution).astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    with override(member.language):
        missing = missing_words(
            tier,
            payload["metric"],
            payload["missing_minor"],
            payload.get("also_missing", 0),
        )
    context = {
        "tier": (tier.name_en if english else "") or tier.name,
        "until": last.strftime("%Y-%m-%d"),
        "missing": missing,
    }
    _tell(member, "tier_at_risk", context, fact=fact, now=now)


def tell_of_unpaid_plan(payload: dict, *, fact: Fact, now: datetime) -> None:
    """PlanPaymentFailed: say until when it can be paid, with each attempt."""
    held = Subscription.objects.select_related("plan", "member").get(
        pk=payload["subscription_id"]
    )
    if held.is_open:
        until = held.ends_on + timedelta(days=held.plan.grace_days - 1)
        words = _plan_words(held) | {"until": until.isoformat()}
        _tell(held.member, "plan_unpaid", words, fact=fact, now=now)


def tell_of_ended_plan(payload: dict, *, fact: Fact, now: datetime) -> None:
    """PlanEnded: say so, whatever ended it."""
    held = Subscription.objects.select_related("plan", "member").get(
        pk=payload["subscription_id"]
    )
    _tell(held.member, "plan_ended", _plan_words(held), fact=fact, now=now)


def _plan_words(held: Subscription) -> dict[str, str]:
    english = held.member.language.startswith("en")
    return {"plan": (held.plan.name_en if english else "") or held.plan.name}


def _tell(
    member: Member, template: str, context: dict, *, fact: Fact, now: datetime
) -> None:
    """Write to a member in the app and by e-mail, once a fact."""
    for channel in ["in_app", *(["email"] if member.email else [])]:
        write_message(
            member_id=member.pk,
            channel=channel,
            template=template,
            context=context,
            dedupe_key=f"{template}:{fact.pk}:{channel}",
            now=now,
        )


def issue_welcome_coupons(payload: dict, *, fact: Fact, now: datetime) -> None:
    """MemberJoined: the gifts for new members, once each.

    A gift that is used up stops nobody else's. Who is brought over from another
    system is no new member.
    """
    if not payload["is_new"]:
        return
    gifts = CouponTemplate.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=now),
        for_new_members=True,
        state=CouponTemplate.State.LIVE,
        starts_at__lte=now,
    ).order_by("id")
    for template in gifts:
        with suppress(CouponsAllGone):
            issue_coupon(
                template_id=template.pk,
                member_id=payload["member_id"],
                source="welcome",
                now=now,
            )


def send_consent_link(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ConsentRequested: send the link that proves the address.

    The link's secret is made here and stands in the encrypted text alone, so no fact
    and no log ever holds it.
    """
    token = issue_token(request_id=payload["request_id"])
    if token is None:
        return
    request = ConsentRequest.objects.get(pk=payload["request_id"])
    write_message(
        member_id=request.member_id,
        channel=request.channel,
        template="consent_confirm",
        context={"shop": settings.SHOP_NAME, "link": confirm_url(token)},
        dedupe_key=f"consent:{fact.pk}",
        now=now,
    )


def announce_coupon(payload: dict, *, fact: Fact, now: datetime) -> None:
    """CouponIssued: tell the member, in the app and by e-mail.

    Consent is looked at when the e-mail is sent, not here.
    """
    coupon = Coupon.objects.select_related("member").get(pk=payload["coupon_id"])
    member = coupon.member
    english = member.language.startswith("en")
    until = coupon.expires_at.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
    terms = coupon.terms
    context = {
        "coupon": (terms["name_en"] if english else "") or terms["name"],
        "code": display_code(coupon.code),
        "until": until.strftime("%Y-%m-%d"),
    }
    for channel in ["in_app", *(["email"] if member.email else [])]:
        write_message(
            member_id=member.pk,
            channel=channel,
            template="coupon_issued",
            context=context,
            dedupe_key=f"coupon:{coupon.public_id}:{channel}",
            now=now,
        )


def announce_shipment(payload: dict, *, fact: Fact, now: datetime) -> None:
    """ShipmentSent: tell the buyer, in the app and by e-mail.

    News of what was bought: it needs no consent.
    """
    shipment = Shipment.objects.select_related("order__member").get(
        pk=payload["shipment_id"]
    )
    order = shipment.order
    if order.member is None or not order.is_ours:
        return
    context = {
        "number": order.number,
        "carrier": shipment.carrier or "–",
        "tracking": shipment.tracking or "–",
    }
    for channel in ["in_app", *(["email"] if order.member.email else [])]:
        write_message(
            member_id=order.member_id,
            channel=channel,
            template="order_shipped",
            context=context,
            dedupe_key=f"shipment:{shipment.public_id}:{channel}",
            now=now,
        )
