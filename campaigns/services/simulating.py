"""A draft tried on a cart, by the function that prices checkouts. Writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from campaigns.models import Promotion
from campaigns.rules.needs import NOTHING, Needs, needs_of
from campaigns.rules.promotions import Promotion as PromotionOffer
from campaigns.rules.recipes_making import offer_of
from campaigns.services.drafting import recipe_of
from campaigns.services.knowing import facts_for
from campaigns.services.offering import meta_of
from crm.shared.errors import Refusal
from orders.models import Order, OrderLine
from orders.queries.carts import items_of
from orders.rules.lifecycle import SOLD
from orders.rules.offers import Applied, Offer, PriceRequest, Refused
from orders.rules.quotes import Quote
from orders.services.quoting import quote_request

#: Typical carts are looked for among so many of the latest orders.
_LATEST = 400
#: Where they stand among those, by their goods.
_SIZES = {"small": 25, "usual": 50, "large": 90}
_MOST_LINES = 50
_MOST_UNITS = 999


class NothingToTry(Refusal):
    """There is nothing to try it on: no such order, or no such SKU."""

    code = "nothing_to_try"
    status = 422
    message = _("There is nothing to try it on: no such order, or no such SKU.")


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a cart costs with a draft, and without it."""

    with_it: Quote
    without_it: Quote
    #: What the draft does; None where it does not apply.
    applied: Applied | None
    #: Why not, or to whom it gives way; None where it applies.
    why_not: Refused | None
    gave_way: bool
    #: What is left after the cost of the goods, where that is known of every line.
    margin_minor: int | None
    margin_without_minor: int | None
    #: SKUs that nobody can buy, or that nobody knows.
    left_out: tuple[str, ...] = ()

    @property
    def takes_minor(self) -> int | None:
        """Return what the draft takes off; None where it does not apply."""
        return self.applied and self.applied.amount_minor


def simulate(
    *,
    promotion: Promotion,
    items: Mapping[str, int],
    audiences: frozenset[str] = frozenset(),
    now: datetime,
) -> Simulation:
    """Price a cart with a draft and without it.

    It is supposed that the buyer's order is the one the draft asks for, that they come
    by a channel it is for, and not before it starts.

    Args:
        promotion: as the form says, saved or not. What it changes is left out.
        items: SKU -> so many of it.
        audiences: who buys, such as ``{"member", "tier:gold"}``.

    Raises:
        NothingToTry: none of the SKUs is known.
        RecipeInvalid: nobody can mean the draft.
    """
    recipe = recipe_of(promotion)
    at = max(now, promotion.starts_at)
    found = items_of(items, at=at)
    if not found:
        raise NothingToTry
    request = PriceRequest(
        lines=tuple(item.priced_at(n) for n, item in enumerate(found, start=1)),
        currency=settings.SHOP_CURRENCY,
        now=at,
        channel_code=next(iter(recipe.when.channels), ""),
        audiences=audiences,
    )
    offer = promotion_offer(promotion)
    facts = replace(
        facts_for(request, needs=_needs_of(offer)),
        is_known=True,
        orders_before=max(0, recipe.when.nth_order - 1),
    )
    tried = offer.told(facts) if isinstance(offer, PromotionOffer) else offer
    with_it = quote_request(request, tried=tried)
    without_it = quote_request(replace(request, reads={}))
    known = {line.sku for line in request.lines}
    return replace(
        _compared(tried.source_id, with_it, without_it),
        left_out=tuple(sku for sku in items if sku not in known),
    )


def promotion_offer(promotion: Promotion) -> Offer:
    """Return the offer a promotion makes, in the place of what it changes."""
    recipe = recipe_of(promotion)
    meta = meta_of(promotion=promotion)
    used = taken = 0
    if promotion.changes_id is not None:
        meta = replace(meta, source_id=promotion.changes.public_id)
        used, taken = promotion.changes.used, promotion.changes.used_units
    if promotion.limit_total is not None and used >= promotion.limit_total:
        # Without a use left it is as if its money were gone.
        meta = replace(meta, budget_minor=0, budget_id=None)
    most = promotion.most_units
    if most is not None:
        left = most if promotion.limit_units is None else promotion.limit_units - taken
        meta = replace(meta, units_left=max(0, min(most, left)))
    return offer_of(recipe, meta)


def _needs_of(offer: Offer) -> Needs:
    """Return what a draft asks; how many units it would have left, it knows."""
    return replace(needs_of(offer) or NOTHING, limited=frozenset())


def _compared(source_id: str, with_it: Quote, without_it: Quote) -> Simulation:
    mine = (each for each in with_it.applied if each.source_id == source_id)
    applied, why_not, gave_way = next(mine, None), None, False
    for entry in with_it.refused:
        if entry.source_id == source_id:
            why_not = entry.why
    for entry in with_it.skipped:
        if entry.source_id == source_id:
            why_not, gave_way = entry.why, True
    return Simulation(
        with_it=with_it,
        without_it=without_it,
        applied=applied,
        why_not=None if applied else why_not or Refused("no_effect"),
        gave_way=gave_way,
        margin_minor=_margin(with_it),
        margin_without_minor=_margin(without_it),
    )


def _margin(quote: Quote) -> int | None:
    margin = 0
    for each in quote.lines:
        if each.line.cost_minor is None:
            return None
        margin += each.net_minor - each.line.cost_minor * each.line.quantity
    return margin


# --- Carts to try on ------------------------------------------------------------------


def typical_cart(size: str) -> dict[str, int]:
    """Return what was in a small, a usual or a large order of late.

    Args:
        size: a key of ``_SIZES``.

    Raises:
        NothingToTry: nothing was sold yet.
    """
    sold = Order.objects.filter(state__in=SOLD).order_by("-placed_at", "-id")
    latest = sorted(sold.values_list("goods_minor", "pk")[:_LATEST])
    if not latest:
        raise NothingToTry
    _goods, order_id = latest[(len(latest) - 1) * _SIZES[size] // 100]
    return _items(OrderLine.objects.filter(order_id=order_id))


def cart_of_order(number: str) -> dict[str, int]:
    """Return what was bought with an order.

    Raises:
        NothingToTry: there is no such order.
    """
    return _items(OrderLine.objects.filter(order__number=number))


def _items(lines) -> dict[str, int]:
    found: dict[str, int] = {}
    rows = lines.order_by("position").values_list("sku", "quantity")
    for sku, quantity in rows[:_MOST_LINES]:
        found[sku] = found.get(sku, 0) + quantity
    if not found:
        raise NothingToTry
    return found


def cart_of_text(text: str) -> dict[str, int]:
    """Return what somebody typed: one SKU a line, and how many after it.

    Raises:
        NothingToTry: no line says anything.
    """
    found: dict[str, int] = {}
    for row in text.splitlines()[:_MOST_LINES]:
        sku, *rest = row.split()[:2] or [""]
        count = rest[0].lstrip("×xX*") if rest else "1"
        if sku and count.isascii() and count.isdecimal() and int(count):
            found[sku] = min(found.get(sku, 0) + int(count[:4]), _MOST_UNITS)
    if not found:
        raise NothingToTry
    return found
