"""One wire case priced: its promotions let in, arranged as its policies say, asked.

The price itself is made by ``orders.rules.pricing.price_cart``, as in the shop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from campaigns.rules.benefits import Amount, Benefit, Percent
from campaigns.rules.by_hand import offer_by_hand
from campaigns.rules.conditions import Facts
from campaigns.rules.policies import Policies
from campaigns.rules.promotions import Promotion
from campaigns.rules.scopes import GOODS, Scope
from campaigns.rules.wire.bounds import bounded, without_zero_limit
from campaigns.rules.wire.cart import WireCart, cart_of
from campaigns.rules.wire.codes import folded, gift_codes, other_codes
from campaigns.rules.wire.conditions import Context
from campaigns.rules.wire.history import buyer_of
from campaigns.rules.wire.limits import Asker, Gate, Rejected
from campaigns.rules.wire.promotions import promotion_of
from campaigns.rules.wire.reading import (
    Money,
    NotExpressible,
    known_keys,
    moment,
    once,
    person,
    texts,
)
from campaigns.rules.wire.redeeming import PointsPay
from campaigns.rules.wire.uses import Use, budgets_of
from orders.rules.combining import Choose, Stacking
from orders.rules.lines import DELIVERY_KINDS, ON_SALE
from orders.rules.offers import GOODS_STAGES, PriceRequest, Stage
from orders.rules.pricing import price_cart
from orders.rules.quotes import Quote

#: An exclusive promotion is alone on the order; among prices of the catalogue, there.
_ALONE_OVER = (frozenset({Stage.PRICE}), GOODS_STAGES | {Stage.FREIGHT})
_STACKING = Stacking(alone=Choose.FIRST, alone_over=_ALONE_OVER)
#: Of those that a list keeps apart the first goes, as they are evaluated.
_BY_LIST = replace(_STACKING, choose=Choose.FIRST)
#: Lanes with a place of their own; others come in the order they are met.
_LANES = {"pre": -2, "default": -1, "": -1, "post": 10_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EngineFailed(RuntimeError):
    """The engine broke on a case that could be read: a defect to report."""


@dataclass(frozen=True, slots=True)
class Manual:
    """A reduction staff gave by hand: on one line, or on goods and delivery."""

    benefit: Benefit
    line: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """A case as it stands: what was given, and what steps made of it."""

    given: Mapping[str, Any]
    policies: Policies
    money: Money
    lines: tuple[Mapping[str, Any], ...]
    codes: tuple[str, ...] = ()
    member: Mapping[str, Any] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    orders: tuple[Mapping[str, Any], ...] = ()
    manual: tuple[Manual, ...] = ()
    #: What the wallet pays at most.
    wallet_minor: int = 0
    #: Points that pay.
    points: PointsPay | None = None

    @property
    def has_cart(self) -> bool:
        """Tell whether there is anything to price, or only codes to let in."""
        return "lines" in self.given

    def folded(self, code: str) -> str:
        """Return a code as it is compared."""
        return folded(code, self.policies)

    @property
    def names(self) -> frozenset[str]:
        """Return every name the buyer goes by."""
        found = (self.member.get("id"), self.member.get("email"))
        return frozenset(person(each) for each in found if each)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a state costs, and what was turned down before anything was priced."""

    quote: Quote
    cart: WireCart
    promotions: Mapping[str, Promotion]
    rejected: tuple[Rejected, ...]
    #: Promotion -> the code that brought it.
    codes: Mapping[str, str]
    #: Promotions that were let in.
    admitted: tuple[str, ...] = ()
    #: Of these, those that take a use of their campaign.
    counted: frozenset[str] = frozenset()

    def applications(self, promotion: str) -> int:
        """Return how often a promotion that applied was given."""
        steps = (e for e in self.quote.trace if e.get("result") == "applied")
        found = (each.get("times", 1) for each in steps if each["id"] == promotion)
        return next(found, 1)


def price(state: State) -> Priced:
    """Price a state.

    A promotion that takes nothing leaves its use to the next of its campaign (S20).

    Raises:
        NotExpressible: a part of it has no meaning in the engine.
    """
    priced = _priced(state, frozenset())
    idle: frozenset[str] = frozenset()
    while state.has_cart and any(e.reason == _NO_BUDGET for e in priced.rejected):
        more = priced.counted - {e.source_id for e in priced.quote.applied} - idle
        if not more:
            break
        idle |= more
        priced = _priced(state, idle)
    return priced


_NO_BUDGET = "budget_exceeded"


def _priced(state: State, idle: frozenset[str]) -> Priced:
    given, policies = state.given, state.policies
    promotions = given.get("promotions") or ()
    once("line", (each["id"] for each in state.lines))
    once("promotion", (each["id"] for each in promotions))
    budgets = budgets_of(promotions, state.money)
    lines = _without_promotions(state)
    cart = cart_of(given, lines, state.money, policies)
    gate = Gate(
        policies=policies,
        asker=Asker(
            now=moment(given["now"]) if given.get("now") else None,
            channel=str(given.get("channel") or ""),
            currency=str(given.get("currency") or ""),
            names=state.names,
            has_sale_items=any(ON_SALE in each.every_mark for each in cart.lines),
        ),
        uses=state.uses,
        budgets=budgets,
        idle=idle,
    )
    others = gift_codes(given, policies) | other_codes(given, policies)
    codes = [each for each in state.codes if state.folded(each) not in others]
    admitted, rejected = gate.admit(promotions, codes)
    context = Context(
        money=state.money,
        policies=policies,
        taxes=cart.taxes,
        facts=_facts(state),
        catalog=_catalog(given.get("catalog"), state.money),
    )
    made = [
        bounded(
            promotion_of(without_zero_limit(each, policies), rank, context), each, gate
        )
        for rank, each in enumerate(admitted)
    ]
    names = [each.source_id for each in made]
    policies = _with_lists(admitted, policies)
    offers: list[Any] = [*_arranged(made, admitted, policies)]
    offers += _manual_offers(state, cart, context)
    offers += [state.points] if state.points is not None else []
    request = PriceRequest(
        lines=cart.lines,
        charges=cart.charges,
        currency=str(given.get("currency") or ""),
        now=gate.asker.now or _EPOCH,
    )
    return Priced(
        quote=_quote(request, offers, policies),
        cart=cart,
        promotions={each.source_id: each for each in made},
        rejected=tuple(rejected),
        codes=gate.entered,
        admitted=tuple(names),
        counted=frozenset(
            name for name in names if any(each.is_of_uses for each in budgets.of(name))
        ),
    )


def _quote(request: PriceRequest, offers: Sequence[Any], policies: Policies) -> Quote:
    """Price what was read; an error from here on is the engine's, not the case's."""
    is_listed = policies.stacking == "combination_whitelist"
    try:
        return price_cart(
            request, offers, stacking=_BY_LIST if is_listed else _STACKING
        )
    except NotExpressible:
        raise
    except Exception as broken:
        raise EngineFailed(f"{type(broken).__name__}: {broken}") from broken


def _facts(state: State) -> Facts:
    """Return what conditions ask of the buyer; an order counts once it is complete."""
    own = [
        each
        for each in state.orders
        if buyer_of(each) in state.names
        and str(each.get("state", "completed")) not in _NOT_YET
    ]
    ends = [moment(e["completed_at"]) for e in own if e.get("completed_at")]
    now = state.given.get("now")
    return Facts(
        now=moment(now) if now else None,
        channel=str(state.given.get("channel") or ""),
        price_list=str(state.given.get("price_list") or ""),
        groups=frozenset(texts(state.member.get("groups")))
        | frozenset(texts(state.member.get("tier"))),
        is_known=bool(state.names),
        orders_before=len(own),
        last_order_at=max(ends, default=None),
    )


_NOT_YET = {"cancelled", "canceled", "cart", "draft", "pending", "failed"}


def _catalog(given: Any, money: Money) -> dict[str, int]:
    """Return what goods cost that a promotion may add."""
    if isinstance(given, list):
        for each in given:
            known_keys("catalog", each, {"sku", "unit_price", "name", "categories"})
        given = {each["sku"]: each["unit_price"] for each in given}
    plain = {}
    for sku, cost in (given or {}).items():
        if isinstance(cost, Mapping):
            known_keys("catalog", cost, {"unit_price", "name", "categories"})
        price = cost["unit_price"] if isinstance(cost, Mapping) else cost
        plain[str(sku)] = money.read(price)
    return plain


def _with_lists(given: Sequence[Mapping[str, Any]], policies: Policies) -> Policies:
    """Return the policies, where a promotion lists what goes with it.

    Raises:
        NotExpressible: they say otherwise how promotions meet.
    """
    if not any(isinstance(each.get("stacking"), list) for each in given):
        return policies
    if policies.stacking not in {"sequential", "combination_whitelist"}:
        raise NotExpressible(f"a list of stacking under {policies.stacking}")
    # A list says what goes together: that is what a whitelist is.
    return replace(policies, stacking="combination_whitelist")


def _arranged(
    made: Sequence[Promotion], given: Sequence[Mapping[str, Any]], policies: Policies
) -> list[Promotion]:
    """Return promotions in their lanes and groups, as the policies say."""
    sign = -1 if policies.priority_direction == "lower_first" else 1
    names = list(dict.fromkeys(str(each.get("lane") or "") for each in given))
    places = {name: _LANES.get(name, at) for at, name in enumerate(names)}
    has_lanes = any(names)
    allowed = {
        str(each["id"]): frozenset(texts(each["stacking"]))
        for each in given
        if isinstance(each.get("stacking"), list)
    }
    arranged = []
    for promotion, each in zip(made, given, strict=True):
        lane = places[str(each.get("lane") or "")]
        changes: dict[str, Any] = {
            "priority": sign * promotion.priority,
            "rank": promotion.rank + _width(promotion, policies) * len(made),
            "lane": 2 * lane + promotion.is_whole,
        }
        one_stage = has_lanes or policies.stacking == "best_only_per_order"
        if one_stage and promotion.stage in {Stage.ITEM, Stage.ORDER}:
            # Lanes and the best of an order reach over goods and order alike.
            changes["stage"] = Stage.ORDER
        if not has_lanes:
            changes["lane"] = 0
        if policies.units_consumption == "each_unit_counts_for_one_promotion":
            # Exclusive is about units, which are used up anyway.
            changes["is_alone"] = False
        changes |= _group(promotion, lane, policies)
        if policies.stacking == "combination_whitelist":
            changes |= _whitelisted(promotion, each, made, allowed)
        arranged.append(replace(promotion, **changes))
    return arranged


def _width(promotion: Promotion, policies: Policies) -> int:
    """Return 1 for a promotion on everything, where narrow ones go first."""
    if policies.evaluation_order != "narrow_scope_first":
        return 0
    return int(promotion.scope.handles is None)


def _group(promotion: Promotion, lane: int, policies: Policies) -> dict[str, Any]:
    """Return the group that lets one promotion in, per order or per line."""
    how, kind = policies.stacking, promotion.stage.name.lower()
    if how == "best_only_per_order" and promotion.stage in GOODS_STAGES:
        return {"exclusive_group": "order"}
    if how in {"best_only_per_item", "best_only_per_item_per_lane"}:
        where = f"{kind}:{lane}" if how.endswith("lane") else kind
        scope = "order" if promotion.is_whole else "line"
        return {"exclusive_group": f"{where}:{scope}", "group_scope": scope}
    if how == "best_only_per_order":
        return {"exclusive_group": kind}
    wide = promotion.is_whole and isinstance(promotion.benefit, Percent)
    if how.startswith("one_order_wide_percentage") and wide:
        return {"exclusive_group": "order_wide_percentage"}
    return {}


def _whitelisted(
    promotion: Promotion,
    given: Mapping[str, Any],
    made: Sequence[Promotion],
    allowed: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    """Return the bans of a promotion that goes with those of its list only."""
    listed = allowed.get(promotion.source_id)
    if listed is None:
        if not given.get("exclusive"):
            return {}
        listed = frozenset()
    others = frozenset(
        each.source_id
        for each in made
        if each.source_id not in listed | {promotion.source_id}
        and promotion.source_id not in allowed.get(each.source_id, frozenset())
    )
    return {"forbids": others, "is_alone": False}


def _without_promotions(state: State) -> list[Mapping[str, Any]]:
    """Return the lines; what staff reduced by hand may get nothing else."""
    replaces = state.policies.manual_discount == "replaces_promotions_on_line"
    own = {each.line for each in state.manual if each.line and replaces}
    return [
        {**each, "discountable": False} if str(each["id"]) in own else each
        for each in state.lines
    ]


def _manual_offers(state: State, cart: WireCart, context: Context) -> list[Promotion]:
    """Return what staff gave by hand, after every promotion."""
    offers = []
    positions = {name: at for at, name in cart.ids.items() if at > 0}
    for number, manual in enumerate(state.manual, 1):
        scope = Scope(kinds=GOODS | DELIVERY_KINDS)
        if manual.line:
            line = cart.lines[positions[manual.line] - 1]
            scope = Scope(needs=(frozenset({f"product:{line.product_id}"}),))
        offers.append(
            offer_by_hand(
                source_id=f"manual:{number}",
                name="manual",
                benefit=manual.benefit,
                scope=scope,
                is_whole=not manual.line or isinstance(manual.benefit, Amount),
                policies=context.policies,
                taxes=context.taxes,
                rank=number,
                source_kind="manual",
            )
        )
    return offers
