"""The rules points are earned by, read once for as many purchases as one likes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from crm.shared.conditions import fields_of, read_condition
from crm.shared.money import WHOLE_BP
from loyalty.earning_vocabulary import VOCABULARY
from loyalty.models import EarningRule, Plan, Program, Tier
from loyalty.queries.program import program
from loyalty.rules.earning import Rule

#: The names of the multipliers of tiers and plans in a trace begin so.
TIER, PLAN = "tier:", "plan:"


@dataclass(frozen=True)
class EarningTerms:
    """The program and the rules of one occasion, ready to be asked."""

    program: Program
    rows: tuple[EarningRule, ...]

    @cached_property
    def _read(self) -> dict[str | None, tuple[Rule, ...]]:
        """Return the rules by the currency they award; conditions are read once."""
        found: dict[str | None, tuple[Rule, ...]] = {}
        for row in self.rows:
            found[row.currency_id] = (*found.get(row.currency_id, ()), rule_of(row))
        return found

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules that award points."""
        return self.rules_in(None)

    @property
    def currencies(self) -> list[str]:
        """Return the codes of what else some rule awards."""
        return sorted(code for code in self._read if code is not None)

    def rules_in(self, currency: str | None) -> tuple[Rule, ...]:
        """Return the rules that award a currency; None is points."""
        return self._read.get(currency, ())

    @cached_property
    def asks(self) -> frozenset[str]:
        """Return every field that some condition looks at."""
        conditions = (rule.condition for some in self._read.values() for rule in some)
        return frozenset().union(*(fields_of(each) for each in conditions if each))

    @property
    def asks_lines(self) -> bool:
        """Whether some condition looks at what a line sells."""
        return any(rule.asks_lines for some in self._read.values() for rule in some)

    @property
    def wants_lines(self) -> bool:
        """Whether points depend on more than what all goods together cost."""
        terms = self.program
        return (
            self.asks_lines
            or terms.earns_on_freight
            or terms.earns_on_points
            or any(row.award == EarningRule.Award.PER_UNIT for row in self.rows)
            or "order.units" in self.asks
        )

    def with_multiplier(self, code: str, multiplier_bp: int) -> tuple[Rule, ...]:
        """Return the rules with the multiplier of a tier or plan as one more (P7)."""
        if multiplier_bp == WHOLE_BP:
            return self.rules
        more = Rule(code, "multiplier", bonus_bp=multiplier_bp - WHOLE_BP)
        return (*self.rules, more)


def earning_terms(
    occasion: str = EarningRule.Occasion.ORDER,
    *,
    tried: EarningRule | None = None,
) -> EarningTerms:
    """Return the program with the active rules of an occasion, in two statements.

    Args:
        tried: a rule that need not be active, in the place of its saved self.
    """
    rows = list(EarningRule.objects.filter(occasion=occasion, is_active=True))
    if tried is not None:
        rows = [row for row in rows if row.pk != tried.pk]
        rows += [tried] if tried.occasion == occasion else []
    return EarningTerms(program(), tuple(rows))


def rule_of(row: EarningRule) -> Rule:
    """Return a written rule as the evaluator sees it.

    Raises:
        ConditionError: its condition is none of this vocabulary.
    """
    condition = read_condition(row.condition, VOCABULARY)
    asked = fields_of(condition)
    return Rule(
        code=row.code,
        award=row.award,
        role=row.role,
        points=row.points,
        per_minor=row.per_minor,
        bonus_bp=row.bonus_bp,
        ladder=tuple(row.ladder),
        condition=condition if asked else None,
        asks_lines=any(name.startswith("line.") for name in asked),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        priority=row.priority,
    )


def names_of_rules(codes: Iterable[str]) -> dict[str, str]:
    """Return the names of rules and tiers by what traces call them."""
    codes = list(codes)
    named: dict[str, str] = {
        row.code: row.label for row in EarningRule.objects.filter(code__in=codes)
    }
    if any(code.startswith(TIER) for code in codes):
        named |= {f"{TIER}{tier.code}": tier.label for tier in Tier.objects.all()}
    if any(code.startswith(PLAN) for code in codes):
        named |= {f"{PLAN}{plan.code}": plan.label for plan in Plan.objects.all()}
    return named
