"""The points that a priced wire case earns. Plain Python.

Base rules (per amount, unit, order) add up, multipliers apply to what their scope
earned, bonuses come after them; then the sum is rounded once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from typing import Any

from campaigns.rules.wire.answer import delivery_taxed
from campaigns.rules.wire.conditions import Context, scope_of
from campaigns.rules.wire.history import ORDER
from campaigns.rules.wire.pricing import Priced, State
from campaigns.rules.wire.reading import (
    chosen,
    known_keys,
    moment,
    number,
    texts,
    whole,
    window,
)
from crm.shared.money import round_half_up
from orders.rules.lines import StageLine, StageLines
from orders.rules.quotes import QuoteLine
from orders.rules.taxes import Taxed

#: Keys of ``given`` that are read here.
GIVEN = {"earn_rules", "earn_basis", "include_tax", "basis_amount", "units", "order"}
_BASE = {"per_amount", "per_unit", "per_order", "fixed"}
_RULE_KEYS = {
    *("id", "type", "points", "per", "factor", "scope", "exclude", "min_order_value"),
    *("stackable", "priority", "window", "code", "enabled", "event"),
}


@dataclass(frozen=True, slots=True)
class Earning:
    """A case whose points are to be found."""

    state: State
    priced: Priced
    policies: Mapping[str, str]
    context: Context
    #: What each line earns points for, by position; and the charges for delivery.
    amounts: Mapping[int, int] = field(default_factory=dict)
    delivery_minor: int = 0
    #: An amount that is given instead of a cart.
    basis_minor: int | None = None

    @property
    def bought(self) -> tuple[QuoteLine, ...]:
        """Return the lines of the price."""
        return self.priced.quote.lines

    def lines_of(self, rule: Mapping[str, Any]) -> list[StageLine]:
        """Return the lines a rule looks at."""
        given = dict(rule.get("scope") or {})
        if rule.get("exclude"):
            given["exclude"] = rule["exclude"]
        lines = StageLines.over(
            [
                StageLine(
                    each.line, each.net_minor, opening_minor=each.line.gross_minor
                )
                for each in self.priced.quote.lines
            ]
        )
        return list(scope_of(given, self.context).of(lines))

    def has_goods_of(self, rule: Mapping[str, Any]) -> bool:
        """Tell whether a rule is of everything, or of goods that are here."""
        return not _is_of_some(rule) or bool(self.lines_of(rule))

    def amount(self, rule: Mapping[str, Any], at: int) -> int:
        """Return what one line counts for a rule."""
        ignores = self.policies["earn.order_discount_on_scoped_rule"] == "ignored"
        back = 0
        if ignores and rule.get("scope"):
            for applied in self.priced.quote.applied:
                promotion = self.priced.promotions.get(applied.source_id)
                if promotion is not None and promotion.is_whole:
                    back += dict(applied.shares).get(at, 0)
        return self.amounts[at] + back


def _is_of_some(rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule looks at some goods only."""
    return bool(rule.get("scope") or rule.get("exclude"))


def earned(state: State, priced: Priced, policies: Mapping[str, str]) -> Fraction:
    """Return the points a case earns.

    Raises:
        NotExpressible: a rule nobody knows here.
    """
    earning = _earning(state, priced, _with_basis(state.given, policies))
    rules = list(_applicable(earning))
    alone = [rule for rule in rules if rule.get("stackable") is False]
    if alone:
        rules = [max(alone, key=lambda rule: whole(rule.get("priority") or 0))]
    by_line: dict[int | None, Fraction] = {}
    for rule in (each for each in rules if each["type"] in _BASE):
        for at, points in _base_points(earning, rule):
            by_line[at] = by_line.get(at, Fraction(0)) + points
    for rule in (each for each in rules if each["type"] == "multiplier"):
        factor = number(rule["factor"])
        inside = {each.line.position for each in earning.lines_of(rule)}
        for at in by_line:
            if not _is_of_some(rule) or at in inside:
                by_line[at] *= factor
    bonuses = (e for e in rules if e["type"] == "bonus" and earning.has_goods_of(e))
    bonus = sum(map(_points, bonuses), Fraction(0))
    return rounded(sum(by_line.values(), Fraction(0)), earning.policies) + bonus


def of_event(state: State, event: str, now: datetime | None) -> Fraction | None:
    """Return what an event earns; None where no rule is about it."""
    found = None
    for rule in state.given.get("earn_rules") or ():
        known_keys("earn rule", rule, _RULE_KEYS)
        about = rule["type"] == "event" and str(rule.get("event")) == event
        if about and rule.get("enabled", True) and _is_open(rule, now):
            found = (found or Fraction(0)) + _points(rule)
    return found


def _with_basis(
    given: Mapping[str, Any], policies: Mapping[str, str]
) -> Mapping[str, str]:
    if "earn_basis" not in given:
        return policies
    what = chosen("earn_basis", given["earn_basis"], _BASES)
    tax = "net" if given.get("include_tax") is False else "gross"
    return {**policies, "earn.basis": f"{_BASES[what]}_{tax}"}


_BASES = {
    **dict.fromkeys(("items", "items_total"), "items_total"),
    **dict.fromkeys(("order", "order_total"), "order_total"),
}


def _earning(state: State, priced: Priced, policies: Mapping[str, str]) -> Earning:
    basis, taxes = policies["earn.basis"], priced.cart.taxes
    amounts = {}
    paid = _paid_by_points(priced) if basis == "before_point_rewards" else {}
    for each in priced.quote.lines:
        at = each.line.position
        amount = each.line.gross_minor if basis == "gross" else each.net_minor
        amount += paid.get(at, 0)
        tax = basis.rpartition("_")[2]
        amounts[at] = taxes.as_basis(at, amount, tax if "total" in basis else "")
    with_delivery = basis.startswith("order_total")
    context = Context(state.money, state.policies, taxes)
    charged = delivery_taxed(priced) if with_delivery else Taxed()
    delivery = charged.net_minor if basis.endswith("_net") else charged.gross_minor
    given = _given_basis(state, basis)
    return Earning(state, priced, policies, context, amounts, delivery, given)


def _given_basis(state: State, basis: str) -> int | None:
    """Return what is earned on where no cart says it."""
    if "basis_amount" in state.given:
        return state.money.read(state.given["basis_amount"])
    order = state.given.get("order")
    if not isinstance(order, Mapping):
        return None
    known_keys("order", order, ORDER)
    what, tax = ("total", "tax_total")
    if not basis.startswith("order_total") and "items_total" in order:
        what, tax = ("items_total", "items_tax")
    if what not in order:
        return None
    minor = state.money.read(order[what])
    if basis.endswith("_net"):
        minor -= state.money.read(order.get(tax) or 0)
    return minor


def _paid_by_points(priced: Priced) -> dict[int, int]:
    """Return what points, or rewards bought with them, took off each line."""
    paid: dict[int, int] = {}
    for applied in priced.quote.applied:
        if applied.source_kind == "points" or applied.source_id.startswith(REWARD):
            for at, minor in applied.shares:
                paid[at] = paid.get(at, 0) + minor
    return paid


def _applicable(earning: Earning) -> Iterator[Mapping[str, Any]]:
    """Yield the rules that are on, for this cart and its codes."""
    state = earning.state
    now = moment(state.given["now"]) if state.given.get("now") else None
    spend = sum(each.net_minor for each in earning.priced.quote.lines)
    for rule in state.given.get("earn_rules") or ():
        known_keys("earn rule", rule, _RULE_KEYS)
        chosen("earn rule", rule.get("type"), {*_BASE, "multiplier", "bonus", "event"})
        codes = {state.folded(each) for each in texts(rule.get("code"))}
        least = state.money.read(rule.get("min_order_value") or 0)
        if (
            rule["type"] != "event"
            and rule.get("enabled", True)
            and _is_open(rule, now)
            and (earning.basis_minor or spend) >= least
            and (not codes or codes & set(map(state.folded, state.codes)))
        ):
            yield rule


def _is_open(rule: Mapping[str, Any], at: datetime | None) -> bool:
    first, last = window("window", rule.get("window"))
    return at is None or (
        (first is None or first <= at) and (last is None or at <= last)
    )


def _base_points(
    earning: Earning, rule: Mapping[str, Any]
) -> Sequence[tuple[int | None, Fraction]]:
    """Return points by line; those of the order as a whole stand under None."""
    lines = earning.lines_of(rule)
    points = _points(rule)
    found: list[tuple[int | None, Fraction]] = []
    if rule["type"] == "per_unit":
        found = [(e.line.position, points * e.line.quantity) for e in lines]
        if "units" in earning.state.given:
            found = [(None, points * whole(earning.state.given["units"]))]
    elif rule["type"] == "per_amount":
        per = earning.state.money.read(rule["per"])
        if earning.basis_minor is not None:
            found = [(None, points * earning.basis_minor / per)]
        else:
            parts = [
                (e.line.position, earning.amount(rule, e.line.position)) for e in lines
            ]
            found = [(at, points * amount / per) for at, amount in parts]
            if earning.delivery_minor and not _is_of_some(rule):
                found.append((None, points * earning.delivery_minor / per))
    elif earning.has_goods_of(rule):
        found = [(None, points)]
    total = sum((points for _at, points in found), Fraction(0))
    if earning.policies["points.rounding"] == "floor_per_rule" and total:
        # Each line keeps its part: a multiplier of some goods comes after.
        return [(at, points * floor(total) / total) for at, points in found]
    return found


def _points(rule: Mapping[str, Any]) -> Fraction:
    return number(rule["points"], "points")


def rounded(points: Fraction, policies: Mapping[str, str]) -> Fraction:
    """Round points as the program does: to whole ones, or to hundredths."""
    if policies["points.fractional"] == "allowed":
        points *= PARTS
        return Fraction(round_half_up(points.numerator, points.denominator), PARTS)
    how = policies["points.rounding"]
    if how == "half_up":
        return Fraction(round_half_up(points.numerator, points.denominator))
    return Fraction(ceil(points) if how == "ceil" else floor(points))


#: Where points may be fractions they are hundredths.
PARTS = 100
#: What the promotions are called that rewards become.
REWARD = "reward:"
