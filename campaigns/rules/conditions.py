"""When an offer applies: questions about cart, buyer and moment. Plain Python.

Every question answers with what is missing, as a ``Refused`` (S25), or None where it
holds; they combine into a tree. Amounts are minor units, compared on the basis that
their policy names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any, Literal, Protocol

from campaigns.rules.policies import WIRE, Policies
from campaigns.rules.scopes import ALL, Scope
from orders.rules.gifts import GiftArticle
from orders.rules.lines import DELIVERY_KINDS, FREIGHT_KIND, StageLine, StageLines
from orders.rules.offers import Refused
from orders.rules.taxes import NO_TAXES, Taxes
from orders.rules.units import split_evenly

Comparison = Literal["gte", "gt", "lte", "lt", "eq"]
_COMPARE = {"gte": ge, "gt": gt, "lte": le, "lt": lt, "eq": eq}
Basis = Literal[
    "before_discounts",
    "after_previous_discounts",
    "after_previous_lanes",
    "total_including_shipping",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions ask besides the cart: who buys, when, where, what is there."""

    now: datetime | None = None
    channel: str = ""
    price_list: str = ""
    groups: frozenset[str] = frozenset()
    #: Codes entered and what the buyer belongs to: ``code:SAVE``, ``tier:gold``.
    marks: frozenset[str] = frozenset()
    is_known: bool = False
    orders_before: int = 0
    last_order_at: datetime | None = None
    #: Units in stock by SKU, of goods that may come as gifts; missing is plenty.
    stock: Mapping[str, int] = field(default_factory=dict)
    #: What the catalogue says of them, where there is one.
    articles: Mapping[str, GiftArticle] = field(default_factory=dict)
    #: What is left of budgets, by their ids (S21).
    budgets_left: Mapping[int, int] = field(default_factory=dict)
    #: How many units promotions have left to give, by their ids (S21).
    units_left: Mapping[str, int] = field(default_factory=dict)


NOBODY = Facts()


# Not frozen, as ``StageLine`` is not: one is made each time an offer is asked.
@dataclass(slots=True)
class Situation:
    """Everything a condition may look at."""

    lines: StageLines
    facts: Facts = NOBODY
    policies: Policies = WIRE
    taxes: Taxes = NO_TAXES

    def amount(self, each: StageLine, basis: str) -> int:
        """Return what a line counts for a threshold."""
        if basis == "before_discounts":
            return each.opening_minor
        return each.amount_minor if basis == "after_previous_lanes" else each.left_minor

    def unit_amounts(self, each: StageLine, basis: str) -> tuple[int, ...]:
        """Return what each unit of a line counts; they add up to what it counts."""
        amount = self.amount(each, basis)
        if amount == each.left_minor:
            return each.unit_lefts
        return split_evenly(amount, each.line.quantity)

    def unused_amount(self, each: StageLine, basis: str) -> int:
        """Return what a line counts without the units that offers used up."""
        if not each.used:
            return self.amount(each, basis)
        units = enumerate(self.unit_amounts(each, basis))
        return sum(amount for place, amount in units if place not in each.used)

    def worth(self, scope: Scope, basis: str, tax_basis: str = "") -> int:
        """Return what the lines of a scope count, net or gross where it matters."""
        return self.worth_of(scope.of(self.lines), basis, tax_basis)

    def worth_of(
        self, found: tuple[StageLine, ...], basis: str, tax_basis: str = ""
    ) -> int:
        """Return what some lines count, and delivery where the basis says so."""
        if basis == "total_including_shipping":
            found += tuple(e for e in self.lines if e.line.kind in DELIVERY_KINDS)
        amount, policies = self.amount, self.policies
        if policies.units_consumption == "each_unit_counts_for_one_promotion":
            amount = self.unused_amount
        if not self.taxes.rates:
            return sum([amount(each, basis) for each in found])
        tax_basis = tax_basis or policies.threshold_tax_basis
        return sum(
            self.taxes.as_basis(e.line.position, amount(e, basis), tax_basis)
            for e in found
        )


class Condition(Protocol):
    """One question."""

    def unmet(self, situation: Situation) -> Refused | None:
        """Return why it does not hold, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Worth:
    """The lines of a scope are worth so much."""

    value_minor: int
    op: Comparison = "gte"
    scope: Scope = ALL
    basis: Basis | None = None
    tax_basis: str = ""

    def unmet(self, situation: Situation) -> Refused | None:
        """Compare; of a minimum say how much is missing."""
        basis = self.basis or situation.policies.threshold_basis
        found = self.scope.of(situation.lines)
        worth = situation.worth_of(found, basis, self.tax_basis)
        if _COMPARE[self.op](worth, self.value_minor):
            return None
        if not found:
            return Refused("products_not_in_cart")
        if self.op in {"gte", "gt"}:
            missing = self.value_minor - worth + (self.op == "gt")
            return Refused("threshold_not_met", {"missing_minor": missing})
        return Refused("cart_too_large", {"basis_minor": worth})

    def times(self, situation: Situation) -> int:
        """Return how often it holds over (S14)."""
        basis = self.basis or situation.policies.threshold_basis
        worth = situation.worth(self.scope, basis, self.tax_basis) - (self.op == "gt")
        return worth // self.value_minor if self.value_minor else 1


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many units of a scope, or so many different ones of something.

    ``same`` counts the units that share what they are (``sku``), ``distinct`` how many
    different ones there are; empty counts all.
    """

    value: int
    scope: Scope = ALL
    same: str = ""
    distinct: str = ""
    per_line: bool = False

    def unmet(self, situation: Situation) -> Refused | None:
        """Say how many units are missing."""
        have = self._count(situation)
        if have >= self.value:
            return None
        return Refused("quantity_not_met", {"missing": self.value - have})

    def times(self, situation: Situation) -> int:
        """Return how many full groups there are."""
        return self._count(situation) // self.value if self.value else 1

    def _count(self, situation: Situation) -> int:
        policies = situation.policies
        once = policies.units_consumption == "each_unit_counts_for_one_promotion"
        found = self.scope.of(situation.lines)
        if not (once or self.per_line or self.same or self.distinct):
            return sum([each.line.quantity for each in found])
        counts = [
            (each, each.line.quantity - (len(each.used) if once else 0))
            for each in found
        ]
        if self.per_line:
            return max((count for _each, count in counts), default=0)
        if not self.same and not self.distinct:
            return sum(count for _each, count in counts)
        kinds: dict[str, int] = {}
        for each, count in counts:
            kind = kind_of(each, self.same or self.distinct)
            kinds[kind] = kinds.get(kind, 0) + count
        if self.same:
            return max(kinds.values(), default=0)
        return sum(1 for count in kinds.values() if count)


def kind_of(each: StageLine, attribute: str) -> str:
    """Return what a line is in some respect: its SKU, product, or another mark."""
    if attribute in {"sku", "variant"}:
        return each.line.sku
    start = f"{attribute}:"
    return min((m for m in each.line.marks if m.startswith(start)), default="")


def scopes_asked(condition: Condition, policies: Policies) -> tuple[Scope, ...] | None:
    """Return which lines a question is about; None where it may be about any."""
    if isinstance(condition, Quantity):
        return (condition.scope,)
    if isinstance(condition, Worth):
        basis = condition.basis or policies.threshold_basis
        return None if basis == "total_including_shipping" else (condition.scope,)
    return () if isinstance(condition, _OF_THE_BUYER) else None


def least_spend(condition: Condition, policies: Policies) -> int:
    """Return the goods a condition wants, on entering the lane at the latest."""
    if not isinstance(condition, Worth) or condition.op not in {"gte", "gt"}:
        return 0
    basis = condition.basis or policies.threshold_basis
    if basis not in _NOT_MORE_THAN_ENTERING:
        return 0
    return condition.value_minor


def marks_needed(condition: Condition) -> frozenset[str] | None:
    """Return marks of which something must carry one; None where nothing must."""
    if isinstance(condition, Carries):
        return condition.marks
    if isinstance(condition, Quantity) and condition.value > 0:
        return condition.scope.handles
    if isinstance(condition, Worth) and condition.value_minor > 0:
        return condition.scope.handles if condition.op in {"gte", "gt"} else None
    return None


@dataclass(frozen=True, slots=True)
class InGroup:
    """The buyer is in one of some groups."""

    groups: frozenset[str]

    def unmet(self, situation: Situation) -> Refused | None:
        """Say that the offer is for others."""
        if situation.facts.groups & self.groups:
            return None
        return Refused("not_for_you")


@dataclass(frozen=True, slots=True)
class Carries:
    """The request carries one of some marks: a code, a tier, another audience."""

    marks: frozenset[str]

    def unmet(self, situation: Situation) -> Refused | None:
        """Say that the offer is for others."""
        return None if situation.facts.marks & self.marks else Refused("not_for_you")


@dataclass(frozen=True, slots=True)
class NthOrder:
    """It is the buyer's n-th order (C12); a buyer nobody knows has none to count."""

    number: int
    at_least: bool = False

    def unmet(self, situation: Situation) -> Refused | None:
        """Compare with the orders before this one."""
        if not situation.facts.is_known:
            return Refused("customer_unknown")
        this = situation.facts.orders_before + 1
        if this == self.number or (self.at_least and this > self.number):
            return None
        return Refused("not_for_this_order", {"order": this})


@dataclass(frozen=True, slots=True)
class SinceLastOrder:
    """The buyer's last order was so many days ago, or longer."""

    days: int

    def unmet(self, situation: Situation) -> Refused | None:
        """Say so where there was none, too."""
        last, now = situation.facts.last_order_at, situation.facts.now
        if last and now and now - last >= timedelta(days=self.days):
            return None
        return Refused("too_soon")


@dataclass(frozen=True, slots=True)
class PriceListIn:
    """The cart is priced by one of some price lists."""

    names: frozenset[str]

    def unmet(self, situation: Situation) -> Refused | None:
        """Compare."""
        return None if situation.facts.price_list in self.names else Refused("not_here")


@dataclass(frozen=True, slots=True)
class DeliveredBy:
    """One of some methods delivers the cart."""

    methods: frozenset[str]

    def unmet(self, situation: Situation) -> Refused | None:
        """Look for a charge of one of them."""
        wanted = {f"method:{each}" for each in self.methods}
        charges = (e for e in situation.lines if e.line.kind == FREIGHT_KIND)
        found = any(wanted & each.line.marks for each in charges)
        return None if found else Refused("not_by_this_delivery")


@dataclass(frozen=True, slots=True)
class Every:
    """All of them hold."""

    of: tuple[Condition, ...] = ()

    def unmet(self, situation: Situation) -> Refused | None:
        """Return the first that does not."""
        for each in self.of:
            why = each.unmet(situation)
            if why is not None:
                return why
        return None


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them holds."""

    of: tuple[Condition, ...]

    def unmet(self, situation: Situation) -> Refused | None:
        """Return what the first one misses, where none holds."""
        answers = [each.unmet(situation) for each in self.of]
        return None if None in answers or not answers else answers[0]


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold."""

    condition: Condition
    trace: Mapping[str, Any] = field(default_factory=dict)

    def unmet(self, situation: Situation) -> Refused | None:
        """Turn the answer round."""
        holds = self.condition.unmet(situation) is None
        return Refused("condition_not_met", dict(self.trace)) if holds else None


_OF_THE_BUYER = (InGroup, Carries, NthOrder, SinceLastOrder, PriceListIn)
#: Bases of thresholds that never exceed the amount on entering the lane.
_NOT_MORE_THAN_ENTERING = {"after_previous_discounts", "after_previous_lanes"}
