"""Our side: the pricing function of quotes and checkouts over the index of offers."""

from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from benchmarks.promotions.deals import DEPARTMENTS, TIER, Deal
from campaigns.rules.benefits import WHOLE, Amount, BuyGet, FreeItem, Percent
from campaigns.rules.conditions import Carries, Every, Facts, Worth
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.policies import SHOP, WIRE, Policies, policies_of
from campaigns.rules.promotions import Promotion, SpendAndSave
from campaigns.rules.scopes import ALL, Scope
from campaigns.rules.selections import Selection
from orders.rules.lines import PriceLine
from orders.rules.offers import Gift, PriceRequest, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import Quote

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
#: How the peers do it: a unit serves one offer, whichever comes first.
ONE_OFFER_A_UNIT = policies_of(
    {
        "units.consumption": "each_unit_counts_for_one_promotion",
    },
    WIRE,
)
_TIER = f"tier:{TIER}"


def index_of(deals: Iterable[Deal], code: str, policies: Policies = SHOP) -> OfferIndex:
    """Return what a shop keeps of its live offers.

    Args:
        code: what the buyer enters; offers are made for one buyer here.
    """
    facts = Facts(marks=frozenset({f"code:{code}", _TIER}), is_known=True)
    return OfferIndex.of(Indexed(_offer(each, facts, policies)) for each in deals)


def _offer(deal: Deal, facts: Facts, policies: Policies) -> Promotion | SpendAndSave:
    source_id, name = f"prm_{deal.number:05}", f"deal {deal.number}"
    if deal.kind == "spend":
        rungs = ((deal.threshold_minor, deal.value),)
        return SpendAndSave(
            source_id, name, rungs, priority=deal.priority, exclusive_group="spend"
        )
    scope = _scope(deal)
    given: dict[str, Any] = {"benefit": Percent(Fraction(deal.value, 100))}
    match deal.kind:
        case "threshold":
            given["benefit"] = Amount(deal.value, "order")
            given["conditions"] = Every((Worth(deal.threshold_minor, scope=scope),))
        case "gift":
            given["benefit"] = FreeItem((Gift("GIFT", 1, deal.value),))
            given["conditions"] = Every((Worth(deal.threshold_minor, scope=scope),))
        case "multibuy":
            given["benefit"] = BuyGet(2, 1, scope, scope, WHOLE, repeats=None)
        case "nth":
            given["benefit"] = Percent(Fraction(1, 2))
            given["selection"] = Selection(group_size=2, per_group=1)
        case "code":
            given["conditions"] = Every((Carries(frozenset({f"code:{deal.code}"})),))
            if policies is SHOP:
                given["stage"] = Stage.COUPON
        case "tier":
            given["conditions"] = Every((Carries(frozenset({f"tier:{deal.tier}"})),))
    return Promotion(
        source_id,
        name,
        scope=scope,
        policies=policies,
        facts=facts,
        priority=deal.priority,
        **given,
    )


def _scope(deal: Deal) -> Scope:
    if deal.kind == "code":
        return ALL
    if deal.kind == "products":
        return Scope(needs=(frozenset(f"product:{each}" for each in deal.products),))
    return Scope(needs=(frozenset({f"category:{_category(deal)}"}),))


def _category(deal: Deal) -> int:
    """Return a number of its own for each leaf and each department."""
    return deal.category if deal.is_wide else DEPARTMENTS + deal.category


def request_of(lines: Iterable[tuple[int, int, int, int]], code: str) -> PriceRequest:
    """Return a request for ``(product, quantity, leaf, price_minor)`` rows."""
    return PriceRequest(
        lines=tuple(
            PriceLine(
                position=position,
                variant_id=product,
                product_id=product,
                category_id=DEPARTMENTS + leaf,
                sku=f"SKU{product}",
                name=f"product {product}",
                kind="goods",
                quantity=quantity,
                unit_price_minor=price_minor,
                category_ids=(DEPARTMENTS + leaf, leaf % DEPARTMENTS),
            )
            for position, (product, quantity, leaf, price_minor) in enumerate(lines, 1)
        ),
        currency="CNY",
        now=NOW,
        coupon_codes=(code,) if code else (),
        audiences=frozenset({_TIER}),
    )


def price(index: OfferIndex, request: PriceRequest) -> Quote:
    """Price a cart with everything a quote says: shares, reasons, trace."""
    return price_cart(request, index.offers_for(request))
