"""Why an offer took nothing, what would bring it, and what a refund does, in words.

Codes are stable, texts are translated (S25).
"""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.shared.money import as_api, display_amount
from orders.rules.floors import MARGIN, MINIMUM_PRICE
from orders.rules.gifts import GIFT_OUT_OF_STOCK
from orders.rules.nearest import Path
from orders.rules.offers import Applied, Refused
from orders.rules.quotes import Quote
from orders.rules.refund_effects import Effect
from orders.rules.seen_prices import Change

#: Code -> sentence; ``…_minor`` params stand in it as amounts without the suffix.
REASONS: dict[str, Any] = {
    "coupon_not_found": _("This coupon code is not valid."),
    "coupon_not_started": _("This coupon cannot be used yet."),
    "coupon_expired": _("This coupon has expired."),
    "coupon_disabled": _("This coupon has been withdrawn."),
    "coupon_already_redeemed": _("This coupon has already been used."),
    "coupon_held": _("An unpaid order of yours keeps this coupon."),
    "coupon_out_of_stock": _("All coupons of this kind have been given out."),
    "coupon_redemption_limit": _("This coupon has been used as often as it may be."),
    "coupon_member_limit": _("You have used this coupon as often as you may."),
    "coupon_timeframe_limit": _("This coupon has been used up for the moment."),
    "coupon_first_order_only": _("This coupon is for a first order only."),
    "coupon_budget_exhausted": _("The budget of this offer is used up."),
    "coupon_min_spend_not_met": _("Spend %(missing)s more to use this coupon."),
    "coupon_products_not_eligible": _("Nothing in the cart goes with this coupon."),
    "threshold_not_met": _("Spend %(missing)s more to get this offer."),
    "exclusive_group": _("Another offer of the same kind saves more."),
    "not_combinable": _("This does not go together with another offer."),
    "alone": _("Another offer applies that goes with no other."),
    "alone_saves_less": _("The other offers together save more."),
    "better_without": _("The other offers save more without it."),
    "quantity_not_met": _("Add %(missing)s more of these goods to get this offer."),
    "set_not_complete": _("Some goods are missing that this offer is made of."),
    "not_for_this_order": _("This offer is for another order of yours."),
    "too_soon": _("Your last order was too short a time ago for this offer."),
    "not_here": _("This offer is for other prices than yours."),
    "not_by_this_delivery": _("This offer is for another way of delivery."),
    "products_not_in_cart": _("Nothing in the cart goes with this offer."),
    "cart_too_large": _("The cart is worth too much for this offer."),
    "not_for_you": _("This offer is for other members."),
    "not_at_this_time": _("This offer applies at other hours."),
    "not_in_this_channel": _("This offer applies in another channel."),
    "customer_unknown": _("Sign in to get this offer."),
    "budget_exceeded": _("This offer has been used up."),
    "no_units_left": _("No piece at this price is left for you."),
    GIFT_OUT_OF_STOCK: _("The gift is out of stock."),
    "no_effect": _("There is nothing left that this could reduce."),
    "floor_reached": _("This costs the least it may already."),
    "insufficient_points": _("You do not have that many points."),
    "points_below_step": _("Too few points to spend."),
    "points_below_minimum": _("At least %(step)s points are spent at once."),
    "points_share_reached": _("Points can pay no more of this cart."),
    "benefit_used_up": _("This benefit is used up until %(until)s."),
    "points_frozen": _("Your points are frozen at the moment."),
}
#: The same for what brings an offer; see ``orders.rules.nearest``.
PATHS: dict[str, Any] = {
    "spend_more": _("Spend %(missing)s more."),
    "add_units": _("Add %(missing)s more of %(product)s."),
    "add_goods": _("Put %(missing)s × %(product)s into the cart."),
    "sign_in": _("Sign in."),
    "reach_tier": _("Reach the tier %(tier)s."),
    "come_later": _("Come back from %(from)s on."),
    "remove_code": _("Take the code %(code)s out of the cart."),
    "spend_points": _("Spend %(points)s points."),
}
#: The same for what changed since a price was seen; see ``orders.rules.seen_prices``.
CHANGES: dict[str, Any] = {
    "price_changed": _("%(name)s costs %(is)s instead of %(was)s."),
    "unavailable": _("%(name)s cannot be bought any more in this number."),
    "offer_gone": _("%(name)s no longer applies. It took off %(was)s."),
    "offer_changed": _("%(name)s takes off %(is)s instead of %(was)s."),
    "offer_came": _("%(name)s applies now. It takes off %(is)s."),
    "freight_changed": _("Delivery costs %(is)s instead of %(was)s."),
}
#: What staff are told of an offer that stopped at a floor (S12).
FLOORS: dict[str, Any] = {
    MINIMUM_PRICE: _("It stops at the minimum price of %(articles)s."),
    MARGIN: _("It stops at the margin floor of %(articles)s."),
}
_MINOR = "_minor"


def reason_text(why: Refused, currency: str) -> str:
    """Return the sentence of a refusal in the active language."""
    text = str(REASONS.get(why.code, ""))
    if not text:
        return gettext("This offer does not apply to the cart.")
    try:
        return _filled(text, why.params, currency)
    except KeyError:
        return gettext("This offer does not apply to the cart.")


def path_text(path: Path, currency: str) -> str:
    """Return what brings an offer, in the active language."""
    return _filled(str(PATHS[path.code]), path.params, currency)


def change_text(change: Change, currency: str) -> str:
    """Return what is different from a price seen before, in the active language."""
    known = {
        "name": change.name,
        "was_minor": change.was_minor or 0,
        "is_minor": change.is_minor or 0,
    }
    return _filled(str(CHANGES[change.code]), known, currency)


def floors_text(applied: Applied, quote: Quote) -> str:
    """Return at which floors of which SKUs an offer stopped (S12), if at any.

    For staff: what the shop must keep of a price is no matter for buyers.
    """
    skus = {each.line.position: each.line.sku for each in quote.lines}
    return " ".join(
        str(text) % {"articles": ", ".join(skus[at] for at in applied.floors[kind])}
        for kind, text in FLOORS.items()
        if kind in applied.floors
    )


def reason_params(why: Refused, currency: str) -> dict[str, Any]:
    """Return the numbers of a refusal as the API writes them."""
    return _as_api(why.params, currency)


def effect_text(effect: Effect, currency: str) -> str:
    """Return the sentence about an effect of a refund in the active language."""
    return _filled(str(effect.message), effect.params, currency)


def effect_params(effect: Effect, currency: str) -> dict[str, Any]:
    """Return the numbers of an effect as the API writes them."""
    return _as_api(effect.params, currency)


def _filled(text: str, params: Mapping[str, Any], currency: str) -> str:
    shown = {
        name.removesuffix(_MINOR): display_amount(value, currency)
        if name.endswith(_MINOR)
        else value
        for name, value in params.items()
    }
    return text % shown if "%(" in text else text


def _as_api(params: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        name.removesuffix(_MINOR): as_api(value, currency)
        if name.endswith(_MINOR)
        else value
        for name, value in params.items()
    }
