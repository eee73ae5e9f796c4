"""Which coupons a buyer can use on a cart, and what each would save (C12, C19, C20)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.models import Coupon
from campaigns.queries.coupons import full_slots, wallet
from campaigns.queries.quoting import CouponRow, version_and_coupons
from campaigns.rules.coupon_limits import Limits
from campaigns.rules.coupons import is_plausible, normalise_code
from campaigns.services.first_orders import buys_first
from campaigns.services.knowing import expected_needs, remember
from campaigns.services.recognising import marks_of_member
from orders.models import Cart, Order
from orders.rules.offers import PriceRequest, Refused
from orders.services.quoting import quote_request, request_of_cart

#: Coupons looked at for one cart; the ones that end first.
MOST_CHOICES = 50


def coupons_asked_for(
    request: PriceRequest,
) -> tuple[UUID, Mapping[str, CouponRow]]:
    """Return what the codes of a request mean, read once for all who ask."""
    codes = tuple(dict.fromkeys(map(normalise_code, request.coupon_codes)))
    asked = _asked(request.member_id, codes)
    if asked not in request.reads:
        request.reads[asked] = _part_of_a_read(request, codes) or _read(request, codes)
    return request.reads[asked]


def _read(
    request: PriceRequest, codes: Collection[str]
) -> tuple[UUID, Mapping[str, CouponRow]]:
    """Ask the database, also for what offers will want to know of the buyer."""
    version, told, known = version_and_coupons(
        member_id=request.member_id,
        codes=list(filter(is_plausible, codes)),
        order_id=request.order_id,
        needs=expected_needs(request),
        at=request.now,
    )
    remember(request, told=told)
    return version, known


def _part_of_a_read(
    request: PriceRequest, codes: Collection[str]
) -> tuple[UUID, Mapping[str, CouponRow]] | None:
    """Return what a read about more codes says of these, if there was one."""
    for key, read in request.reads.items():
        if key[:2] == _asked(request.member_id, ())[:2] and {*codes} <= {*key[2]}:
            version, known = read
            return version, {code: known[code] for code in codes if code in known}
    return None


def _asked(member_id: int | None, codes: tuple[str, ...]) -> tuple[object, ...]:
    return ("campaigns", member_id, codes)


def limits_reached(
    *, request: PriceRequest, coupons: Mapping[str, CouponRow]
) -> Mapping[str, str]:
    """Return of each coupon that may not be used now why not, as a code (C8, C11).

    Keyed by ``source_id``. Asks the database only where there are limits. What an order
    holds already is not counted against it.
    """
    limited = {
        row.source_id: (row.template_id, row.limits)
        for row in coupons.values()
        if row.order_id is None or row.order_id != request.order_id
    }
    asked = ("campaigns.limits", request.member_id, tuple(sorted(limited)))
    if asked not in request.reads:
        # Of fewer coupons than were asked about before, all is known.
        known = (
            read
            for key, read in request.reads.items()
            if key[:2] == asked[:2] and {*limited} <= {*key[2]}
        )
        reached = next(known, None)
        request.reads[asked] = (
            _reached(request, limited) if reached is None else reached
        )
    return request.reads[asked]


def _reached(
    request: PriceRequest, limited: Mapping[str, tuple[int, Limits]]
) -> Mapping[str, str]:
    marks: list[str] = []
    if request.member_id is not None and any(
        limits.are_personal for _template, limits in limited.values()
    ):
        marks = marks_of_member(member_id=request.member_id)
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    wanted = {
        coupon: [
            (template, slot) for slot in limits.slots(marks, at=request.now, zone=zone)
        ]
        for coupon, (template, limits) in limited.items()
    }
    full = full_slots(chain.from_iterable(wanted.values()))
    reached = {
        coupon: slot.reason
        for coupon, slots in wanted.items()
        for template, slot in reversed(slots)
        if (template, slot) in full
    }
    first_only = [pk for pk, (_, limits) in limited.items() if limits.first_order_only]
    if first_only and marks and not buys_first(request):
        reached |= dict.fromkeys(first_only, "coupon_first_order_only")
    return reached


def why_unusable(
    *, coupon: CouponRow, request: PriceRequest, reached: Mapping[str, str]
) -> Refused | None:
    """Return why a coupon cannot be used at all, whatever is in the cart."""
    if coupon.state == Coupon.State.HELD and coupon.order_id == request.order_id:
        return None
    return _state_refusal(coupon) or _time_refusal(coupon, request.now, reached)


def _state_refusal(coupon: CouponRow) -> Refused | None:
    if coupon.state == Coupon.State.HELD:
        if coupon.order_state == Order.State.PENDING:
            return Refused("coupon_held", {"order": coupon.order_public_id})
        return Refused("coupon_already_redeemed")
    if coupon.state == Coupon.State.USED:
        return Refused("coupon_already_redeemed")
    if coupon.state == Coupon.State.REVOKED:
        return Refused("coupon_disabled")
    if coupon.state == Coupon.State.EXPIRED:
        return Refused("coupon_expired")
    return None


def _time_refusal(
    coupon: CouponRow, now: datetime, reached: Mapping[str, str]
) -> Refused | None:
    if coupon.expires_at is not None and coupon.expires_at <= now:
        return Refused("coupon_expired")
    if coupon.usable_from is not None and coupon.usable_from > now:
        starts = coupon.usable_from.astimezone(ZoneInfo(settings.SHOP_TIME_ZONE))
        return Refused("coupon_not_started", {"from": f"{starts:%Y-%m-%d %H:%M}"})
    if coupon.is_used_up:
        return Refused("coupon_redemption_limit")
    if coupon.source_id in reached:
        return Refused(reached[coupon.source_id])
    return None


# --- A member's coupons for a cart --------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """A coupon of the member's wallet beside a cart (C20).

    ``why`` is None where it can be used; then ``saves_minor`` is what it takes off.
    """

    coupon: Coupon
    saves_minor: int
    why: Refused | None

    @property
    def is_usable(self) -> bool:
        """Whether it lowers the price."""
        return self.why is None


def coupons_for_cart(*, cart: Cart, member_id: int, now: datetime) -> list[Choice]:
    """Return the member's coupons for a cart, the best one first (C19, C20).

    Each is priced as checkout would, as the cart's only coupon, by the one pricing
    function. However many there are, the database is asked as often as for one.

    Returns:
        At most ``MOST_CHOICES``: usable ones by largest saving, then earliest expiry,
        then smaller face value, then id; then the others by expiry.
    """
    request = request_of_cart(cart=cart, now=now)
    return coupons_for_request(replace(request, member_id=member_id))


def coupons_for_request(request: PriceRequest) -> list[Choice]:
    """Return the coupons of who asks, whatever codes are in the cart; see above."""
    if request.member_id is None:
        return []
    mine = wallet(member_id=request.member_id, status="available", at=request.now)
    coupons = list(mine.order_by("expires_at", "id")[:MOST_CHOICES])
    _read_together(request, [coupon.code for coupon in coupons])
    choices = [_choice(request, coupon) for coupon in coupons]
    return sorted(choices, key=_rank)


def _read_together(request: PriceRequest, codes: Collection[str]) -> None:
    """Ask about all coupons at once, as if each had been asked about alone."""
    version, known = coupons_asked_for(replace(request, coupon_codes=tuple(codes)))
    reached = limits_reached(request=request, coupons=known)
    for code, row in known.items():
        asked = _asked(request.member_id, (code,))
        request.reads[asked] = (version, {code: row})
        one = ("campaigns.limits", request.member_id, (row.source_id,))
        request.reads[one] = reached


def _choice(request: PriceRequest, coupon: Coupon) -> Choice:
    quote = quote_request(replace(request, coupon_codes=(coupon.code,)))
    for applied in quote.applied:
        if applied.source_id == coupon.public_id:
            return Choice(coupon, applied.amount_minor, None)
    # A coupon is never out of reach: nobody needs to ask the offers that are, why.
    for other in (*quote.turned_down, *quote.skipped):
        if other.source_id == coupon.public_id:
            return Choice(coupon, 0, other.why)
    return Choice(coupon, 0, Refused("no_effect"))


def _rank(choice: Choice) -> tuple[object, ...]:
    coupon = choice.coupon
    face = coupon.terms["amount_minor"] or coupon.terms["percent_bp"]
    return (
        -choice.saves_minor,
        not choice.is_usable,
        coupon.expires_at,
        face,
        coupon.pk,
    )
