"""The points that a priced wire case earns. Plain Python.

Base rules (per amount, unit, order) add up, multipliers apply to what their scope
earned, bonuses come after them; then the sum is rounded once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

from campaigns.rules.wire.conditions import Context, scope_of
from campaigns.rules.wire.pricing import Priced, State
from campaigns.rules.wire.reading import (
    NotExpressible,
    chosen,
    known_keys,
    moment,
    texts,
    window,
)
from crm.shared.money import round_half_up
from orders.rules.offers import StageLine, StageLines
from orders.rules.quotes import QuoteLine

#: Keys of ``given`` that are read here.
GIVEN = {"earn_rules", "earn_basis", "include_tax", "basis_amount", "account_enabled"}
#: Policies that are read here, with what they may say; the first is the default.
POLICIES = {
    "earn.basis": (
        *("net_of_discounts", "items_total_gross", "items_total_net"),
        *("order_total_gross", "order_total_net", "gross"),
    ),
    "points.rounding": ("floor", "floor_per_rule", "half_up", "ceil"),
    "earn.non_stackable": ("alone",),
    "earn.bonus": ("after_multipliers",),
    "earn.order_discount_on_scoped_rule": ("counted", "ignored"),
    "earn.stored_value": ("counts_as_payment",),
}
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
            ],
            {},
        )
        return list(scope_of(given, self.context).of(lines))

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


def earned(state: State, priced: Priced, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points a case earns, as ``expect`` has them.

    Raises:
        NotExpressible: a rule or a policy nobody knows here.
    """
    if state.given.get("account_enabled") is False:
        return {"earned": 0, "points_delta": 0, "reason": "account_disabled"}
    earning = _earning(state, priced, _policies(state.given, named))
    rules = list(_applicable(earning))
    alone = [rule for rule in rules if rule.get("stackable") is False]
    if alone:
        rules = [max(alone, key=lambda rule: int(rule.get("priority") or 0))]
    by_line: dict[int | None, Fraction] = {}
    for rule in (each for each in rules if each["type"] in _BASE):
        for at, points in _base_points(earning, rule):
            by_line[at] = by_line.get(at, Fraction(0)) + points
    for rule in (each for each in rules if each["type"] == "multiplier"):
        factor = Fraction(str(rule["factor"]))
        inside = {each.line.position for each in earning.lines_of(rule)}
        for at in by_line:
            if not rule.get("scope") or at in inside:
                by_line[at] *= factor
    bonus = sum(_points(rule) for rule in rules if rule["type"] == "bonus")
    total = _rounded(sum(by_line.values(), Fraction(0)), earning.policies) + int(bonus)
    return {"earned": total, "points_delta": total}


def _policies(given: Mapping[str, Any], named: Mapping[str, Any]) -> dict[str, str]:
    policies = {name: values[0] for name, values in POLICIES.items()}
    for name, value in named.items():
        policies[name] = chosen(f"policy {name}", str(value), POLICIES[name])
    if "earn_basis" in given:
        what = chosen("earn_basis", given["earn_basis"], _BASES)
        tax = "net" if given.get("include_tax") is False else "gross"
        policies["earn.basis"] = f"{_BASES[what]}_{tax}"
    return policies


_BASES = {
    **dict.fromkeys(("items", "items_total"), "items_total"),
    **dict.fromkeys(("order", "order_total"), "order_total"),
}


def _earning(state: State, priced: Priced, policies: Mapping[str, str]) -> Earning:
    basis, taxes = policies["earn.basis"], priced.cart.taxes
    amounts = {}
    for each in priced.quote.lines:
        at = each.line.position
        amount = each.line.gross_minor if basis == "gross" else each.net_minor
        tax = basis.rpartition("_")[2]
        amounts[at] = taxes.as_basis(at, amount, tax if "total" in basis else "")
    with_delivery = basis.startswith("order_total")
    context = Context(state.money, state.policies, taxes)
    delivery = priced.quote.freight_minor if with_delivery else 0
    return Earning(state, priced, policies, context, amounts, delivery)


def _applicable(earning: Earning) -> Iterator[Mapping[str, Any]]:
    """Yield the rules that are on, for this cart and its codes."""
    state = earning.state
    now = state.given.get("now")
    spend = sum(each.net_minor for each in earning.priced.quote.lines)
    for rule in state.given.get("earn_rules") or ():
        known_keys("earn rule", rule, _RULE_KEYS)
        chosen("earn rule", rule.get("type"), {*_BASE, "multiplier", "bonus", "event"})
        first, last = window("window", rule.get("window"))
        at = moment(now) if now else None
        is_open = at is None or (
            (first is None or first <= at) and (last is None or at <= last)
        )
        codes = texts(rule.get("code"))
        least = state.money.read(rule.get("min_order_value") or 0)
        if (
            rule["type"] != "event"
            and rule.get("enabled", True)
            and is_open
            and spend >= least
            and (not codes or set(codes) & set(state.codes))
        ):
            yield rule


def _base_points(
    earning: Earning, rule: Mapping[str, Any]
) -> Sequence[tuple[int | None, Fraction]]:
    """Return points by line; those of the order as a whole stand under None."""
    lines = earning.lines_of(rule)
    points = _points(rule)
    found: list[tuple[int | None, Fraction]] = []
    if rule["type"] == "per_unit":
        found = [(e.line.position, points * e.line.quantity) for e in lines]
    elif rule["type"] == "per_amount":
        per = earning.state.money.read(rule["per"])
        if "basis_amount" in earning.state.given:
            basis = earning.state.money.read(earning.state.given["basis_amount"])
            found = [(None, points * basis / per)]
        else:
            parts = [
                (e.line.position, earning.amount(rule, e.line.position)) for e in lines
            ]
            found = [(at, points * amount / per) for at, amount in parts]
            if earning.delivery_minor and not rule.get("scope"):
                found.append((None, points * earning.delivery_minor / per))
    elif lines or not rule.get("scope"):
        found = [(None, points)]
    if earning.policies["points.rounding"] == "floor_per_rule":
        total = Fraction(floor(sum((points for _at, points in found), Fraction(0))))
        return [(None, total)]
    return found


def _points(rule: Mapping[str, Any]) -> Fraction:
    try:
        return Fraction(str(rule["points"]))
    except ValueError as bad:
        raise NotExpressible(f"points {rule['points']}") from bad


def _rounded(points: Fraction, policies: Mapping[str, str]) -> int:
    how = policies["points.rounding"]
    if how == "half_up":
        return round_half_up(points.numerator, points.denominator)
    return ceil(points) if how == "ceil" else floor(points)
