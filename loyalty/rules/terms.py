"""How the tier of a member changes: terms, grace, pins, lifts undone. Plain Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from crm.shared.dates import add_months, bounds_of_day
from loyalty.rules.ladders import DowngradeMode, Level, Metric, Several, fallen
from loyalty.rules.lifts import CameBack, Lift
from loyalty.rules.tiers import Rung
from loyalty.rules.windows import counts_from, period_of

#: What can be counted beside counted currencies, which go by their code.
METRICS = ("value", "spend", "points", "orders")
#: Those that are money, in minor units.
IN_MONEY = frozenset({"value", "spend"})
#: How long a tier is good for.
TERMS = ("none", "end_of_period", "end_of_next", "months")


#: What is counted, by name.
Numbers = Mapping[str, int]


class Occasion(StrEnum):
    """Why a tier is looked at."""

    #: Something was bought: nobody goes down by it.
    PAYMENT = "payment"
    #: Something was given back: a lift may be undone (T9).
    RETURN = "return"
    #: The nightly look, or one that staff asked for.
    REVIEW = "review"
    #: A new version of the ladder began (T13).
    START = "start"


@dataclass(frozen=True, slots=True)
class Held:
    """What a member holds on one ladder."""

    tier: str | None = None
    since: datetime | None = None
    #: Exclusive end of the term; None has none.
    valid_until: datetime | None = None
    #: Until when a term that is over may still be met (T8).
    grace_until: datetime | None = None
    is_pinned: bool = False
    #: Exclusive; None of a pin is until somebody takes it off (T10).
    pinned_until: datetime | None = None
    #: What lifted the member to this tier, and what was held or given below it, the
    #: lowest first: one of these counts again when the lift is undone (T9).
    lifted_by: str = ""
    put_aside: tuple[Lift, ...] = ()

    @property
    def lifts(self) -> tuple[Lift, ...]:
        """Return what was put aside and, last, what is held."""
        own = Lift(self.tier, self.since, self.valid_until, self.lifted_by)
        return (*self.put_aside, own)

    def is_pinned_at(self, at: datetime) -> bool:
        """Whether staff decide, not the numbers (T10)."""
        return self.is_pinned and (self.pinned_until is None or at < self.pinned_until)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the numbers say of a member.

    ``due`` is the highest tier reached now. Whether the tier held is kept, and
    otherwise where its holder lands (``fits``), is said by the window of a term that
    is over (T8).
    """

    due: str | None
    is_kept: bool
    fits: str | None


@dataclass(frozen=True, slots=True)
class Start:
    """How a new version treats who does not reach the tier they hold.

    At once they fall; else at the end of their term. ``keep_until`` lets everybody
    keep what they hold until then (grandfathering).
    """

    at_once: bool = True
    keep_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LadderTerms:
    """A ladder as its configuration says it, the lowest rung first."""

    rungs: tuple[Rung, ...]
    zone: ZoneInfo
    metric: str = "value"
    window: str = "days"
    window_days: int | None = None
    term: str = "none"
    period: str = "year"
    term_months: int = 12
    downgrade: DowngradeMode = "to_matching_tier"
    grace_days: int = 0
    #: For so many days the order that lifted a member can undo it; None is the term.
    protect_days: int | None = None
    notice_days: int = 0
    lifts_on: str = "payment"
    gifts_of_skipped: bool = False
    yearly_gifts: bool = False
    #: Below every threshold the lowest rung counts; else there is no tier.
    has_floor: bool = True

    @property
    def metrics(self) -> frozenset[str]:
        """Return what has to be counted."""
        return frozenset({self.metric} | {r.also_metric for r in self.rungs} - {""})

    def rank(self, tier: str | None) -> int:
        """Return the place of a tier from 0; below all for none or an unknown one."""
        places = {rung.code: place for place, rung in enumerate(self.rungs)}
        return places.get(tier or "", -1)

    def levels(self) -> tuple[Level, ...]:
        """Return the rungs with their conditions."""
        return tuple(
            level_of(rung, metric=self.metric, is_floor=self.has_floor and not place)
            for place, rung in enumerate(self.rungs)
        )

    def measure(
        self, tier: str | None, numbers: Numbers, to_keep: Numbers | None = None
    ) -> Measured:
        """Return what the numbers of a member who holds ``tier`` say.

        Args:
            to_keep: by the window of a term that is over; default the same numbers.
        """
        to_keep = numbers if to_keep is None else to_keep
        return Measured(
            due=self.reached(numbers),
            is_kept=tier in self.kept(to_keep),
            fits=self.reached(to_keep),
        )

    def reached(self, numbers: Numbers) -> str | None:
        """Return the highest tier whose conditions for going up hold (T3)."""
        ask = _asking(numbers)
        reached = [each.id for each in self.levels() if each.is_reached(ask)]
        return reached[-1] if reached else None

    def kept(self, numbers: Numbers) -> frozenset[str]:
        """Return the tiers whose conditions for staying hold."""
        ask = _asking(numbers)
        return frozenset(each.id for each in self.levels() if each.is_renewed(ask))

    def end_of_term(self, at: datetime, *, joined_at: datetime) -> datetime | None:
        """Return when a term that begins at ``at`` is over (T7)."""
        if self.term == "none":
            return None
        if self.term == "months":
            last = add_months(at.astimezone(self.zone).date(), self.term_months)
            return bounds_of_day(last, self.zone)[1]
        end = period_of(self.period, at, joined_at=joined_at, zone=self.zone)[1]
        if self.term == "end_of_next":
            end = period_of(self.period, end, joined_at=joined_at, zone=self.zone)[1]
        return end


def _asking(numbers: Numbers) -> Callable[[str, int | None], Fraction]:
    return lambda name, _days: Fraction(numbers[name])


def level_of(rung: Rung, *, metric: str, is_floor: bool) -> Level:
    """Return a rung as a level: everybody stands on the floor, nobody on a gone one.

    Nobody reaches a rung of a ladder that counts nothing: of a club staff decide.
    """
    if rung.is_removed or metric == "none":
        nobody = Several((), needs_all=False)
        return Level(rung.code, nobody, nobody)
    if is_floor:
        return Level(rung.code)
    keep = rung.threshold_minor if rung.keep_minor is None else rung.keep_minor
    climb, stay = (
        _needs(rung, Metric(metric, Fraction(value)))
        for value in (rung.threshold_minor, keep)
    )
    return Level(rung.code, climb, stay)


def _needs(rung: Rung, first: Metric) -> Metric | Several:
    if not rung.also_metric:
        return first
    second = Metric(rung.also_metric, Fraction(rung.also_threshold))
    return Several((first, second), needs_all=rung.needs_both)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the tier of one member."""

    terms: LadderTerms
    at: datetime
    joined_at: datetime
    occasion: Occasion = Occasion.REVIEW
    #: What was bought, such as ``order:ord_01J…``.
    cause: str = ""
    #: Of a return, by cause: what of a lift came back (T9).
    came_back: Mapping[str, CameBack] = field(default_factory=dict)
    start: Start = Start()
    #: When the change takes effect: an order lifts from the moment it was paid (T4).
    since: datetime | None = None

    def outcome(self, held: Held, measured: Measured) -> Held:
        """Return what the member holds after this look; the same again is no change.

        A pin outranks everything; once over, the tier reached counts (T10). Up goes
        who qualifies, at once and over rungs (T4). Within the term nobody goes down
        but by giving back what lifted them (T7, T9).
        """
        if held.is_pinned_at(self.at):
            return held
        place, due = self.terms.rank(held.tier), self.terms.rank(measured.due)
        if held.is_pinned:
            return self._begun(due)
        if due > place:
            return self._lifted(held, due)
        if place < 0:
            return held
        look = {
            Occasion.PAYMENT: self._bought,
            Occasion.RETURN: self._returned,
            Occasion.START: self._started,
        }.get(self.occasion, self._reviewed)
        return look(held, measured)

    def _bought(self, held: Held, measured: Measured) -> Held:
        return held

    def _returned(self, held: Held, measured: Measured) -> Held:
        if held.valid_until is None:
            return self._reviewed(held, measured)
        broken = [lift for lift in held.lifts if self._is_broken(lift)]
        stays = tuple(lift for lift in held.lifts if lift not in broken)
        if held.lifts[-1] in stays:
            held = replace(held, put_aside=stays[:-1])
            return self._reviewed(held, measured)
        place = self._landing(held.tier, measured)
        if not stays or self.terms.rank(stays[-1].tier) < place:
            # The same order gave what is left of it.
            begun = self._begun(place)
            return replace(begun, lifted_by=broken[0].cause, put_aside=stays)
        return Held(
            tier=stays[-1].tier,
            since=stays[-1].since or self.since or self.at,
            valid_until=stays[-1].valid_until,
            lifted_by=stays[-1].cause,
            put_aside=stays[:-1],
        )

    def _is_broken(self, lift: Lift) -> bool:
        """Whether what lifted came back in time and its tier is not earned without."""
        back = self.came_back.get(lift.cause)
        if back is None or lift.tier in back.kept:
            return False
        return lift.is_protected(back.at, days=self.terms.protect_days)

    def _started(self, held: Held, measured: Measured) -> Held:
        own = held.valid_until
        runs = own is not None and self.at < own
        until = own if runs else self._end(held.tier)
        keep = self.start.keep_until
        if not measured.is_kept and keep is not None and self.at < keep:
            # Nobody's own term is cut short.
            until = max(own, keep) if own is not None and runs else keep
        elif not measured.is_kept and (self.start.at_once or until is None):
            until = self.at
        if until is None or until > self.at:
            return replace(held, valid_until=until, grace_until=None)
        if self._is_removed(held.tier):
            return self._begun(self._below(held.tier, measured))
        return self._begun(self._landing(held.tier, measured))

    def _reviewed(self, held: Held, measured: Measured) -> Held:
        until = held.valid_until
        if until is not None and self.at < until:
            return held
        if measured.is_kept:
            return self._renewed(held)
        place = self.terms.rank(held.tier)
        if self._is_removed(held.tier):
            return self._begun(self._below(held.tier, measured), after=held)
        if until is not None and self.terms.grace_days:
            grace = until + timedelta(days=self.terms.grace_days)
            if self.at < grace:
                return replace(held, grace_until=grace)
        due = self._landing(held.tier, measured)
        target = max(fallen(place, due, self.terms.downgrade), due)
        while target > due and self.terms.rungs[target].is_removed:
            target -= 1
        if target == place:
            return replace(held, valid_until=self._next_end(held), grace_until=None)
        return self._begun(target, after=held)

    def _landing(self, tier: str | None, measured: Measured) -> int:
        """Return the highest rung earned by who does not keep a tier."""
        place, due = self.terms.rank(tier), self.terms.rank(measured.due)
        return max(due, min(place, self.terms.rank(measured.fits)))

    def _renewed(self, held: Held) -> Held:
        """Return the next term; it forgets lifts before the window that earned it."""
        until = held.valid_until
        after = replace(held, valid_until=self._next_end(held), grace_until=None)
        if until is None or held.since is None:
            return after
        counted = counts_from(
            until - datetime.resolution,
            window=self.terms.window,
            window_days=self.terms.window_days,
            joined_at=self.joined_at,
            zone=self.terms.zone,
        )
        if counted is None or held.since > counted:
            return after
        return replace(after, lifted_by="", put_aside=())

    def _lifted(self, held: Held, due: int) -> Held:
        return replace(self._begun(due), lifted_by=self.cause, put_aside=held.lifts)

    def _begun(self, place: int, *, after: Held | None = None) -> Held:
        """Return the beginning of a term; it follows the one of ``after``."""
        if place < 0:
            return Held()
        tier = self.terms.rungs[place].code
        until = self._end(tier)
        if after is not None and until is not None:
            until = self._next_end(replace(after, tier=tier))
        return Held(tier=tier, since=self.since or self.at, valid_until=until)

    def _end(self, tier: str | None) -> datetime | None:
        if self._is_floor(tier):
            return None
        at = self.since or self.at
        end = self.terms.end_of_term(at, joined_at=self.joined_at)
        if end is not None and end <= self.at:
            end = self.terms.end_of_term(self.at, joined_at=self.joined_at)
        return end

    def _next_end(self, held: Held) -> datetime | None:
        """Return the end of the term that follows: the one after the moment judged."""
        if self._is_floor(held.tier) or held.valid_until is None:
            return self._end(held.tier)
        last = held.valid_until - datetime.resolution
        for at in (last, held.valid_until, self.at):
            end = self.terms.end_of_term(at, joined_at=self.joined_at)
            if end is None or end > max(self.at, held.valid_until):
                return end
        return self._end(held.tier)

    def _is_floor(self, tier: str | None) -> bool:
        return self.terms.has_floor and self.terms.rank(tier) == 0

    def _is_removed(self, tier: str | None) -> bool:
        place = self.terms.rank(tier)
        return place >= 0 and self.terms.rungs[place].is_removed

    def _below(self, tier: str | None, measured: Measured) -> int:
        """Return the nearest rung below one that is gone, or a higher one due (T14)."""
        place = self.terms.rank(tier) - 1
        while place >= 0 and self.terms.rungs[place].is_removed:
            place -= 1
        return max(place, self.terms.rank(measured.due))


def missing(
    rung: Rung, metric: str, numbers: Numbers, *, to_keep: bool = True
) -> tuple[int, int]:
    """Return what is missing of both numbers of a rung to keep it, or to reach it.

    Of two of which one is enough nothing is, once one is reached.
    """
    bound = rung.threshold_minor
    if to_keep and rung.keep_minor is not None:
        bound = rung.keep_minor
    first, second = max(0, bound - numbers.get(metric, 0)), 0
    if rung.also_metric:
        second = max(0, rung.also_threshold - numbers[rung.also_metric])
        if not rung.needs_both and not (first and second):
            return 0, 0
    return first, second
