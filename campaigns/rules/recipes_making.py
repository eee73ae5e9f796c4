"""The offer a recipe makes. Plain Python.

满减 over all goods is ``SpendAndSave``, which is small because a thousand of them may
be on; everything else is a ``Promotion``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.rules.benefits import (
    WHOLE,
    Amount,
    BuyGet,
    FreeItem,
    Percent,
    SetPrice,
    Tiered,
    UnitPrice,
)
from campaigns.rules.conditions import (
    Carries,
    Condition,
    Every,
    NthOrder,
    Quantity,
    Worth,
)
from campaigns.rules.moments import AtHours, InChannel
from campaigns.rules.promotions import Promotion, SpendAndSave
from campaigns.rules.recipes import (
    WHOLE_BP,
    AmountOff,
    BundlePrice,
    BuyGetFree,
    CheapestFree,
    FlashPrice,
    FreeFreight,
    GiftWithOrder,
    Goods,
    MemberPrice,
    NthItem,
    OnePrice,
    PercentOff,
    Recipe,
    SpendEvery,
    SpendLadder,
    When,
)
from campaigns.rules.recipes_reading import as_json
from campaigns.rules.scopes import ALL, Scope, delivery
from campaigns.rules.selections import Selection
from orders.rules.offers import Gift, Stage

#: Many offers are about the same goods.
_KEPT_SCOPES = 4_096


@dataclass(frozen=True, slots=True)
class Meta:
    """What an offer is besides its recipe."""

    source_id: str
    name: str
    priority: int = 0
    exclusive_group: str = ""
    starts_at: datetime | None = None
    on_return: str = "keep"
    #: What is left of its budget; None is no budget (S21).
    budget_minor: int | None = None
    #: Which budget that is, where somebody has to look it up.
    budget_id: int | None = None
    #: How many units it has left to give; None is no limit (S21).
    units_left: int | None = None
    #: The shop's zone, for hours of the day.
    zone: ZoneInfo = ZoneInfo("UTC")


def most_units(limit: int | None, member_limit: int | None) -> int | None:
    """Return how many units one order gets at a limited price; None is no limit (S21).

    >>> most_units(12, 2), most_units(None, 2), most_units(None, None)
    (2, 2, None)
    """
    return min((n for n in (limit, member_limit) if n is not None), default=None)


def offer_of(recipe: Recipe, meta: Meta) -> SpendAndSave | Promotion:
    """Return what the pricing function asks.

    Args:
        recipe: checked.
        meta: its name, its place among the offers, and what it may spend.
    """
    is_step = isinstance(recipe.gives, _STEPS)
    if is_step and meta.budget_minor is None and recipe.is_plain:
        return _spend_and_save(recipe.gives, meta)
    scope = scope_of(recipe.goods)
    parts = _MAKERS[type(recipe.gives)](recipe.gives, scope, meta)
    beside = recipe.beside
    conditions = [*parts.pop("conditions", ()), *_conditions(recipe.when, scope, meta)]
    usual = {
        "scope": scope,
        "group_scope": "line" if parts["stage"] is Stage.PRICE else "order",
    }
    return Promotion(
        source_id=meta.source_id,
        name=meta.name,
        conditions=Every(tuple(conditions)),
        cap_minor=beside.cap_minor,
        budget_minor=meta.budget_minor,
        budget_id=meta.budget_id,
        units_left=meta.units_left,
        skips_discounted=beside.skips_discounted,
        is_alone=beside.is_alone,
        forbids=frozenset(beside.forbids),
        priority=meta.priority,
        exclusive_group=meta.exclusive_group,
        starts_at=meta.starts_at,
        on_return=meta.on_return,
        recipe={"kind": recipe.kind, "recipe": as_json(recipe)},
        **(usual | parts),
    )


def of_that_day(recipe: Recipe) -> Recipe:
    """Return a recipe as an order that had it may ask it again (R6).

    Who bought, when and where is settled; what was bought is asked again.
    """
    asked = When(
        least_spend_minor=recipe.when.least_spend_minor,
        least_units=recipe.when.least_units,
    )
    return replace(recipe, when=asked)


@lru_cache(maxsize=_KEPT_SCOPES)
def scope_of(goods: Goods) -> Scope:
    """Return the lines goods mean, the same value for the same goods.

    >>> scope_of(Goods(skus=("A",), not_categories=(3,)))  # doctest: +ELLIPSIS
    Scope(needs=(frozenset({'sku:A'}),), avoids=frozenset({'category:3'}), ...
    """
    wanted, avoided = _marks(goods), _marks(goods, "not_")
    if not wanted and not avoided:
        return ALL
    return Scope(needs=(wanted,) if wanted else (), avoids=avoided)


def _marks(goods: Goods, start: str = "") -> frozenset[str]:
    named = {
        "category": getattr(goods, f"{start}categories"),
        "product": getattr(goods, f"{start}products"),
        "brand": getattr(goods, f"{start}brands"),
        "sku": getattr(goods, f"{start}skus"),
    }
    return frozenset(
        [f"{mark}:{each}" for mark, some in named.items() for each in some]
    )


def _conditions(when: When, scope: Scope, meta: Meta) -> list[Condition]:
    """Return what must hold, the cheapest question first."""
    found: list[Condition] = []
    if when.audience:
        found.append(Carries(frozenset(when.audience)))
    if when.channels:
        found.append(InChannel(frozenset(when.channels)))
    if when.weekdays or when.since is not None or when.until is not None:
        since = when.since or time.min
        hours = AtHours(meta.zone, frozenset(when.weekdays), since, when.until)
        found.append(hours)
    if when.nth_order:
        found.append(NthOrder(when.nth_order))
    if when.least_units:
        found.append(Quantity(when.least_units, scope))
    if when.least_spend_minor:
        found.append(Worth(when.least_spend_minor, scope=scope))
    return found


def _spend_and_save(gives: SpendEvery | SpendLadder, meta: Meta) -> SpendAndSave:
    how: dict[str, Any] = {}
    if isinstance(gives, SpendEvery):
        rungs: tuple[tuple[int, int], ...] = ((gives.spend_minor, gives.off_minor),)
        how = {"repeats": True, "max_times": gives.most_times}
    else:
        rungs = gives.rungs
    return SpendAndSave(
        source_id=meta.source_id,
        name=meta.name,
        rungs=rungs,
        priority=meta.priority,
        exclusive_group=meta.exclusive_group,
        starts_at=meta.starts_at,
        on_return=meta.on_return,
        **how,
    )


# --- One maker a kind --------------------------------------------------------------


@cache
def _rate(share_bp: int) -> Fraction:
    # There are as many as basis points in the whole.
    return Fraction(share_bp, WHOLE_BP)


def _times(most_times: int) -> int | None:
    return most_times or None


def _ladder(gives: SpendLadder, scope: Scope, meta: Meta) -> dict[str, Any]:
    steps = tuple((spend, Amount(off, "order")) for spend, off in gives.rungs)
    least = Worth(gives.rungs[0][0], scope=scope)
    return {
        "stage": Stage.ORDER,
        "benefit": Tiered(steps),
        "is_whole": True,
        "conditions": [least],
    }


def _every(gives: SpendEvery, scope: Scope, meta: Meta) -> dict[str, Any]:
    return {
        "stage": Stage.ORDER,
        "benefit": Amount(gives.off_minor, "application"),
        "is_whole": True,
        "conditions": [Worth(gives.spend_minor, scope=scope)],
        "most_times": gives.most_times,
    }


def _percent(gives: PercentOff, scope: Scope, meta: Meta) -> dict[str, Any]:
    return {"stage": Stage.ITEM, "benefit": Percent(_rate(gives.percent_bp))}


def _amount(gives: AmountOff, scope: Scope, meta: Meta) -> dict[str, Any]:
    if gives.per == "unit":
        return {"stage": Stage.ITEM, "benefit": Amount(gives.off_minor, "unit")}
    benefit = Amount(gives.off_minor, "order")
    return {"stage": Stage.ORDER, "benefit": benefit, "is_whole": True}


def _one_price(gives: OnePrice, scope: Scope, meta: Meta) -> dict[str, Any]:
    return {"stage": Stage.ITEM, "benefit": UnitPrice(gives.price_minor)}


def _buy_get(gives: BuyGetFree, scope: Scope, meta: Meta) -> dict[str, Any]:
    benefit = BuyGet(
        gives.buy,
        gives.get,
        scope,
        scope,
        _rate(gives.percent_bp),
        _times(gives.most_times),
    )
    return {"stage": Stage.ITEM, "benefit": benefit}


def _nth(gives: NthItem, scope: Scope, meta: Meta) -> dict[str, Any]:
    return _of_groups(gives.nth, gives.most_times, WHOLE - _rate(gives.pays_bp), scope)


def _cheapest(gives: CheapestFree, scope: Scope, meta: Meta) -> dict[str, Any]:
    return _of_groups(gives.of, gives.most_times, WHOLE, scope)


def _of_groups(
    size: int, most_times: int, rate: Fraction, scope: Scope
) -> dict[str, Any]:
    return {
        "stage": Stage.ITEM,
        "benefit": Percent(rate),
        "selection": Selection(
            group_size=size, per_group=1, repeats=_times(most_times)
        ),
        "conditions": [Quantity(size, scope)],
    }


def _bundle(gives: BundlePrice, scope: Scope, meta: Meta) -> dict[str, Any]:
    benefit = SetPrice(
        gives.price_minor,
        gives.units,
        _times(gives.most_times),
        dearest_first=True,
    )
    return {"stage": Stage.ITEM, "benefit": benefit}


def _gift(gives: GiftWithOrder, scope: Scope, meta: Meta) -> dict[str, Any]:
    # What the catalogue says of them is told with the facts of a quote.
    choices = tuple(Gift(sku, gives.units) for sku in gives.skus)
    return {
        "stage": Stage.ORDER,
        "benefit": FreeItem(choices),
        "most_times": gives.most_times,
    }


def _freight(gives: FreeFreight, scope: Scope, meta: Meta) -> dict[str, Any]:
    goods = [] if scope == ALL else [Quantity(1, scope)]
    return {
        "stage": Stage.FREIGHT,
        "benefit": Percent(_rate(gives.percent_bp)),
        "scope": delivery(),
        "conditions": goods,
    }


def _member_price(gives: MemberPrice, scope: Scope, meta: Meta) -> dict[str, Any]:
    return {"stage": Stage.PRICE, "benefit": Percent(_rate(gives.percent_bp))}


def _flash_price(gives: FlashPrice, scope: Scope, meta: Meta) -> dict[str, Any]:
    benefit = UnitPrice(gives.price_minor)
    return {"stage": Stage.PRICE, "benefit": benefit, "closes": True}


#: What may be a ``SpendAndSave``.
_STEPS = (SpendEvery, SpendLadder)
_MAKERS: dict[type, Callable[[Any, Scope, Meta], dict[str, Any]]] = {
    SpendLadder: _ladder,
    SpendEvery: _every,
    PercentOff: _percent,
    AmountOff: _amount,
    OnePrice: _one_price,
    BuyGetFree: _buy_get,
    NthItem: _nth,
    CheapestFree: _cheapest,
    BundlePrice: _bundle,
    GiftWithOrder: _gift,
    FreeFreight: _freight,
    MemberPrice: _member_price,
    FlashPrice: _flash_price,
}
