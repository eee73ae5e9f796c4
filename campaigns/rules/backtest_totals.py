"""What many replayed orders come to. Plain Python.

Bounded whatever the number of orders, and plain JSON, so that a back-test can be kept
after each chunk and go on from there: the same orders give the same totals, in
whatever chunks they come.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from campaigns.rules.backtesting import Displaced, Outcome, Tried

#: Orders of a sort that are shown, and offers that are told apart; the rest is one.
MOST_EXAMPLES, MOST_OFFERS = 20, 30
OTHERS = "others"
#: Steps of the histogram: nothing off, 0 to 5 %, …, 45 to 50 %, and more.
STEP_BP, STEPS = 500, 12
_WHOLE_BP = 10_000


@dataclass(slots=True)
class Totals:
    """The sums of a back-test; every amount in minor units.

    ``cost_minor`` is what the draft takes off, ``replaced_minor`` what the promotion
    took off that it stands in place of. Margins count orders of which the cost of
    everything is known (``costed``).
    """

    orders: int = 0
    #: Orders that could not be priced again as they were; in no other number.
    left_out: int = 0
    touched: int = 0
    applied: int = 0
    cost_minor: int = 0
    replaced_minor: int = 0
    before_minor: int = 0
    after_minor: int = 0
    costed: int = 0
    margin_before_minor: int = 0
    margin_after_minor: int = 0
    #: Orders that pay less or more than they did, and how much in all.
    winners: int = 0
    won_minor: int = 0
    losers: int = 0
    lost_minor: int = 0
    #: Day, ISO -> orders, orders touched, cost, change of what is paid.
    days: dict[str, list[int]] = field(default_factory=dict)
    #: Orders by the share of their price that is off, as it was and would be.
    shares_before: list[int] = field(default_factory=lambda: [0] * STEPS)
    shares_after: list[int] = field(default_factory=lambda: [0] * STEPS)
    #: ``kind:id`` -> kind, name, times gone, times less, how much less.
    displaced: dict[str, list[Any]] = field(default_factory=dict)
    #: Orders that pay less, or nothing more, and orders that pay more: id, day,
    #: before, after, cost; the largest changes first.
    gaining: list[list[Any]] = field(default_factory=list)
    losing: list[list[Any]] = field(default_factory=list)
    #: What is left of budget, uses and units; None is no limit.
    left_minor: int | None = None
    left_uses: int | None = None
    left_units: int | None = None
    #: The first day on which not everything could be given any more, ISO.
    ran_out: str | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Totals":
        """Return totals as ``as_json`` wrote them."""
        return cls(**kept)

    def as_json(self) -> dict[str, Any]:
        """Return them as plain values."""
        return asdict(self)

    def next_of(self, tried: Tried) -> Tried:
        """Return the draft with what is left for the next order."""
        return replace(
            tried,
            left_minor=self.left_minor,
            left_uses=self.left_uses,
            left_units=self.left_units,
        )

    def add(self, outcome: Outcome | None) -> None:
        """Count one order more, in the order they were placed; None was left out."""
        if outcome is None:
            self.left_out += 1
            return
        self.orders += 1
        self.before_minor += outcome.before_minor
        self.after_minor += outcome.after_minor
        self.replaced_minor += outcome.replaced_minor
        gross = outcome.gross_minor
        self.shares_before[step_of(gross, outcome.before_minor)] += 1
        self.shares_after[step_of(gross, outcome.after_minor)] += 1
        self._add_margin(outcome)
        self._add_day(outcome)
        if outcome.is_touched:
            self._add_touched(outcome)
        self._use_up(outcome)

    def _add_margin(self, outcome: Outcome) -> None:
        before, after = outcome.margin_before_minor, outcome.margin_after_minor
        if before is not None and after is not None:
            self.costed += 1
            self.margin_before_minor += before
            self.margin_after_minor += after

    def _add_day(self, outcome: Outcome) -> None:
        counts = self.days.setdefault(outcome.day.isoformat(), [0, 0, 0, 0])
        more = (1, int(outcome.is_touched), outcome.cost_minor, outcome.change_minor)
        for place, count in enumerate(more):
            counts[place] += count

    def _add_touched(self, outcome: Outcome) -> None:
        self.touched += 1
        self.applied += outcome.applies
        self.cost_minor += outcome.cost_minor
        if outcome.change_minor < 0:
            self.winners += 1
            self.won_minor -= outcome.change_minor
        elif outcome.change_minor > 0:
            self.losers += 1
            self.lost_minor += outcome.change_minor
        for each in outcome.displaced:
            self._add_displaced(each)
        examples = self.losing if outcome.change_minor > 0 else self.gaining
        example = [outcome.public_id, outcome.day.isoformat(), outcome.before_minor]
        examples.append([*example, outcome.after_minor, outcome.cost_minor])
        # Stable: of equal changes the earlier order stays first.
        examples.sort(key=lambda each: -abs(each[3] - each[2]))
        del examples[MOST_EXAMPLES:]

    def _add_displaced(self, each: Displaced) -> None:
        # Every member has a coupon of their own: those of one name are one offer.
        is_own = each.source_kind != "promotion"
        key = f"{each.source_kind}:{each.name if is_own else each.source_id}"
        known = key in self.displaced or len(self.displaced) < MOST_OFFERS
        row = self.displaced.setdefault(
            key if known else OTHERS,
            [each.source_kind, each.name, 0, 0, 0] if known else ["", "", 0, 0, 0],
        )
        row[2] += each.is_gone
        row[3] += not each.is_gone
        row[4] += each.less_minor

    def _use_up(self, outcome: Outcome) -> None:
        if outcome.applies and self.left_uses is not None:
            self.left_uses -= 1
        if self.left_units is not None:
            self.left_units -= outcome.units
        if self.left_minor is not None:
            self.left_minor -= outcome.cost_minor
        is_over = outcome.is_short or self.left_uses == 0
        if is_over and self.ran_out is None:
            self.ran_out = outcome.day.isoformat()


def step_of(gross_minor: int, paid_minor: int) -> int:
    """Return the step of the histogram for what is off a price.

    >>> [step_of(1000, paid) for paid in (1000, 999, 950, 949, 500, 499, 0)]
    [0, 1, 1, 2, 10, 11, 11]
    """
    off = gross_minor - paid_minor
    if off <= 0 or gross_minor <= 0:
        return 0
    return min(-(-off * _WHOLE_BP // (gross_minor * STEP_BP)), STEPS - 1)


def every_day(totals: Totals, *, first: date, last: date) -> list[tuple[date, int]]:
    """Return what each day costs, days without orders included."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    nothing = [0, 0, 0, 0]
    return [(day, totals.days.get(day.isoformat(), nothing)[2]) for day in days]
