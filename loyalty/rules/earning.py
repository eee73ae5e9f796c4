"""What earning rules give for a purchase or an event. Plain Python.

Sums are exact fractions until the end: they are floored once for all rules together
(P6), and what a rule adds is the step it brings in that running sum.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from math import floor, lcm
from typing import Any, Literal

from crm.shared.conditions import Condition
from crm.shared.money import WHOLE_BP, share

Award = Literal[
    "per_amount", "per_unit", "per_order", "fixed", "dynamic", "ladder", "multiplier"
]
#: ``best`` rules compete, ``added`` ones join what won, ``bonus`` ones come on top.
Role = Literal["best", "added", "bonus"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to earn points."""

    code: str
    award: Award
    role: Role = "best"
    #: Points a step, order, unit, event or told number.
    points: int = 0
    #: Money of one step, of ``per_amount``; > 0.
    per_minor: int = 1
    #: What a ``multiplier`` adds to the base; below 0 takes off.
    bonus_bp: int = 0
    #: Points of the first, second, … day of a ``ladder``; the last one stays.
    ladder: tuple[int, ...] = ()
    condition: Condition | None = None
    #: Whether the condition looks at lines: then only lines where it holds earn.
    asks_lines: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A line of an order, or an event as a whole."""

    position: int = 0
    amount_minor: int = 0
    units: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What may earn: a purchase with its lines, or an event."""

    at: datetime
    parts: tuple[Part, ...] = (Part(),)
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: Told with an event: stars, minutes, the day of a streak.
    number: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule gave, or why it did not.

    ``why`` is ``not_yet``, ``over``, ``condition`` or ``lower``; empty when it counts.
    ``capped`` points were kept back by a cap, its own or that of what it raises (P24).
    """

    rule: Rule
    points: int = 0
    by_part: tuple[Fraction, ...] = ()
    why: str = ""
    capped: int = 0

    def traced(self) -> dict[str, Any]:
        """Return what an entry keeps of a rule that counted: its numbers of that day.

        >>> Outcome(Rule("base", "per_amount", points=1, per_minor=100), 12).traced()
        {'code': 'base', 'award': 'per_amount', 'points': 12, 'each': 1, 'per_minor': 100}
        """  # noqa: E501
        told: dict[str, Any] = {"code": self.rule.code, "award": self.rule.award}
        told["points"] = self.points
        if self.rule.award == "multiplier":
            told["bonus_bp"] = self.rule.bonus_bp
        elif self.rule.award != "ladder":
            told["each"] = self.rule.points
        if self.rule.award == "per_amount":
            told["per_minor"] = self.rule.per_minor
        if self.capped > 0:
            told["capped"] = self.capped
        return told


@dataclass(frozen=True, slots=True)
class Earned:
    """What all rules together give."""

    occurrence: Occurrence
    outcomes: tuple[Outcome, ...]

    @property
    def points(self) -> int:
        """Return the whole points, never below 0."""
        return max(0, sum(each.points for each in self.outcomes))

    @property
    def counted(self) -> list[Outcome]:
        """Return the outcomes of the rules that matched and won."""
        return [each for each in self.outcomes if not each.why]

    def by_line(self) -> dict[int, int]:
        """Return the points of each line: largest remainder, in the sum exact (P6)."""
        parts = self.occurrence.parts
        weights = [Fraction(0)] * len(parts)
        for each in self.counted:
            whole = sum(each.by_part, Fraction(0))
            granted = each.points / whole if whole else Fraction(0)
            for at, value in enumerate(each.by_part):
                weights[at] += value * granted
        scale = lcm(*(weight.denominator for weight in weights))
        split = share(self.points, [max(0, int(each * scale)) for each in weights])
        return {part.position: some for part, some in zip(parts, split, strict=True)}

    def trace(self, *, lines: bool = True) -> dict[str, Any]:
        """Return what an entry keeps: the rules that counted, and why others did not.

        Args:
            lines: False leaves out what each line earned.
        """
        told: dict[str, Any] = {"rules": [each.traced() for each in self.counted]}
        missed = {each.rule.code: each.why for each in self.outcomes if each.why}
        if missed:
            told["missed"] = missed
        if lines:
            told["lines"] = {str(at): some for at, some in self.by_line().items()}
        return told


def evaluate(rules: Sequence[Rule], occurrence: Occurrence) -> Earned:
    """Return what rules give (P6, P8).

    Of each line the ``best`` rule counts alone; ``added`` rules join it; multipliers
    raise what both gave; ``bonus`` rules come on top. Rules that do not count are
    listed as well, with the reason.

    >>> from datetime import UTC
    >>> rules = [Rule("base", "per_amount", points=1, per_minor=100),
    ...          Rule("gold", "multiplier", bonus_bp=5000)]
    >>> cart = Occurrence(datetime(2026, 1, 1, tzinfo=UTC), (Part(1, 16890),))
    >>> [each.points for each in evaluate(rules, cart).outcomes]
    [168, 85]
    """
    matched: list[tuple[Rule, list[bool]]] = []
    missed: list[Outcome] = []
    for rule in rules:
        why, where = _match(rule, occurrence)
        if why:
            missed.append(Outcome(rule, why=why))
        else:
            matched.append((rule, where))
    given = {
        id(rule): _given(rule, where, occurrence)
        for rule, where in matched
        if rule.award != "multiplier"
    }
    best = [
        (rule, where)
        for rule, where in matched
        if rule.role == "best" and rule.award != "multiplier"
    ]
    won = _winners(best, given, len(occurrence.parts))
    counted = [(rule, won[id(rule)]) for rule, _ in best if id(rule) in won]
    missed += [Outcome(rule, why="lower") for rule, _ in best if id(rule) not in won]
    counted += _in_role(matched, given, "added")
    counted += _raised(matched, counted, len(occurrence.parts))
    counted += _in_role(matched, given, "bonus")
    return Earned(occurrence, (*_whole(counted), *missed))


def capped(earned: Earned, left: Mapping[str, int]) -> Earned:
    """Return what is left of points under caps: the rest of a cap, not nothing (P24).

    A multiplier raises what the caps of the base let through, and no more. What caps
    keep back of each rule stands in ``capped``; it adds up to all that is missing.

    Args:
        left: rule code -> points its caps still allow; others have no cap.

    >>> rules = [Rule("base", "per_amount", points=1, per_minor=100),
    ...          Rule("gold", "multiplier", bonus_bp=5000)]
    >>> from datetime import UTC
    >>> cart = Occurrence(datetime(2026, 1, 1, tzinfo=UTC), (Part(1, 100_000),))
    >>> few = capped(evaluate(rules, cart), {"base": 100})
    >>> [(each.points, each.capped) for each in few.outcomes]
    [(100, 900), (50, 450)]
    """
    counted = earned.counted
    if not left or not counted:
        return earned
    base = [each.by_part for each in counted if _is_base(each.rule)]
    within = [
        _within(each.by_part, left.get(each.rule.code)) for each in counted[: len(base)]
    ]
    parts = len(earned.occurrence.parts)
    keeps = [
        after / before if before else Fraction(1)
        for before, after in zip(_sums(base, parts), _sums(within, parts), strict=True)
    ]
    for each in counted[len(base) :]:
        values = each.by_part
        if each.rule.award == "multiplier":
            values = tuple(
                some * keep for some, keep in zip(values, keeps, strict=True)
            )
        within.append(_within(values, left.get(each.rule.code)))
    shares = zip((each.rule for each in counted), within, strict=True)
    found = [
        replace(new, capped=old.capped + old.points - new.points)
        for old, new in zip(counted, _whole(shares), strict=True)
    ]
    missed = [each for each in earned.outcomes if each.why]
    return replace(earned, outcomes=(*found, *missed))


def _is_base(rule: Rule) -> bool:
    """Return whether multipliers raise what a rule gives; such rules count first."""
    return rule.award != "multiplier" and rule.role != "bonus"


def _within(by_part: Sequence[Fraction], most: int | None) -> tuple[Fraction, ...]:
    """Return what a rule gives its parts, all lowered alike to a cap."""
    whole = sum(by_part, Fraction(0))
    if most is None or whole <= most:
        return tuple(by_part)
    return tuple(some * most / whole for some in by_part)


def _match(rule: Rule, occurrence: Occurrence) -> tuple[str, list[bool]]:
    """Return why a rule does not match, or for which parts it does."""
    if rule.starts_at is not None and occurrence.at < rule.starts_at:
        return "not_yet", []
    if rule.ends_at is not None and occurrence.at >= rule.ends_at:
        return "over", []
    where = [True] * len(occurrence.parts)
    if rule.condition is not None:
        if rule.asks_lines:
            where = [
                rule.condition.holds({**occurrence.facts, **part.facts})
                for part in occurrence.parts
            ]
        else:
            where = [rule.condition.holds(occurrence.facts)] * len(where)
    return ("" if any(where) else "condition"), where


def _given(rule: Rule, where: Sequence[bool], of: Occurrence) -> list[Fraction]:
    """Return what a rule alone gives each part, exactly."""
    if rule.award == "per_amount":
        values = [
            Fraction(rule.points * p.amount_minor, rule.per_minor) for p in of.parts
        ]
    elif rule.award == "per_unit":
        values = [Fraction(rule.points * part.units) for part in of.parts]
    else:
        return _spread(_WHOLE[rule.award](rule, of.number), where, of.parts)
    return [
        value if is_in else Fraction(0)
        for value, is_in in zip(values, where, strict=True)
    ]


def _step(rule: Rule, number: int) -> int:
    if number <= 0 or not rule.ladder:
        return 0
    return rule.ladder[min(number, len(rule.ladder)) - 1]


#: What a rule gives as a whole, by its award.
_WHOLE: dict[str, Callable[[Rule, int], int]] = {
    "per_order": lambda rule, number: rule.points,
    "fixed": lambda rule, number: rule.points,
    "dynamic": lambda rule, number: rule.points * max(0, number),
    "ladder": _step,
}


def _spread(
    points: int, where: Sequence[bool], parts: Sequence[Part]
) -> list[Fraction]:
    """Spread points over the matching parts by what they cost; evenly if nothing."""
    weights = [
        part.amount_minor if is_in else 0
        for part, is_in in zip(parts, where, strict=True)
    ]
    if not any(weights):
        weights = [int(is_in) for is_in in where]
    return [Fraction(points * weight, sum(weights)) for weight in weights]


def _winners(
    rules: Sequence[tuple[Rule, list[bool]]],
    given: Mapping[int, Sequence[Fraction]],
    parts: int,
) -> dict[int, list[Fraction]]:
    """Return what competing rules give the parts they win; the first of equals.

    A rule that wins no part is absent.
    """
    ranked = sorted(rules, key=lambda each: (-each[0].priority, each[0].code))
    won: dict[int, list[Fraction]] = {}
    for at in range(parts):
        able = [id(rule) for rule, where in ranked if where[at]]
        if able:
            best = max(able, key=lambda key: given[key][at])
            won.setdefault(best, [Fraction(0)] * parts)[at] = given[best][at]
    return won


def _raised(
    matched: Iterable[tuple[Rule, list[bool]]],
    counted: Sequence[tuple[Rule, list[Fraction]]],
    parts: int,
) -> list[tuple[Rule, list[Fraction]]]:
    """Return what multipliers add to the base of the parts they match."""
    base = _sums([values for _, values in counted], parts)
    return [
        (
            rule,
            [
                some * rule.bonus_bp / WHOLE_BP if is_in else Fraction(0)
                for some, is_in in zip(base, where, strict=True)
            ],
        )
        for rule, where in matched
        if rule.award == "multiplier"
    ]


def _sums(given: Sequence[Sequence[Fraction]], parts: int) -> list[Fraction]:
    """Return what rules give each part together."""
    return [sum((values[at] for values in given), Fraction(0)) for at in range(parts)]


def _in_role(
    matched: Iterable[tuple[Rule, list[bool]]],
    given: Mapping[int, list[Fraction]],
    role: Role,
) -> list[tuple[Rule, list[Fraction]]]:
    return [
        (rule, given[id(rule)])
        for rule, _ in matched
        if id(rule) in given and rule.role == role
    ]


def _whole(counted: Iterable[tuple[Rule, Sequence[Fraction]]]) -> Iterator[Outcome]:
    """Floor once: each rule brings the step of the running sum (P6)."""
    total, before = Fraction(0), 0
    for rule, by_part in counted:
        total += sum(by_part)
        now = max(0, floor(total))
        yield Outcome(rule, now - before, tuple(by_part))
        before = now
