"""Live offers by what they need, so that a price asks only those that can match (P1).

An offer says which marks a cart must carry one of (``handles``: a SKU, a category, a
code, a tier) and from which spend on it takes anything (``least_minor``). The index is
made once per version of the offers; what a price then costs grows with the offers that
can match, not with those that exist. Plain Python.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any

from campaigns.rules.needs import Needs, needs_of
from campaigns.rules.scopes import GOODS
from orders.rules.offers import PriceRequest, Stage
from orders.rules.quotes import FarOffers


# Nobody changes one. It is not frozen, which would make it twice as dear: ten thousand
# are made when a process begins.
@dataclass(slots=True, eq=False)
class Indexed:
    """An offer with the end of its time; None is open."""

    offer: Any
    ends_at: datetime | None = None
    #: Asked of the offer once: an entry goes from each index into the next.
    least_minor: int = field(init=False)
    handles: frozenset[str] | None = field(init=False)
    needs: Needs | None = field(init=False)

    def __post_init__(self):
        self.least_minor = self.offer.least_minor
        self.handles = getattr(self.offer, "handles", None)
        self.needs = needs_of(self.offer)

    def is_on(self, now: datetime) -> bool:
        """Tell whether it runs at a moment."""
        starts_at = self.offer.starts_at
        return (starts_at is None or starts_at <= now) and (
            self.ends_at is None or self.ends_at > now
        )


_LEAST = attrgetter("least_minor")
#: Offers that need the same mark, by the least they want to be spent.
_Shelf = list[Indexed]


@dataclass(frozen=True, slots=True)
class OfferIndex:
    """The offers of one version."""

    entries: tuple[Indexed, ...]
    _by_mark: dict[str, _Shelf] = field(default_factory=dict)
    #: Offers that need no mark; stage by stage.
    _open: dict[Stage, _Shelf] = field(default_factory=dict)
    stages: tuple[Stage, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Indexed]) -> "OfferIndex":
        """Make the index."""
        kept = tuple(entries)
        marked: dict[str, list[Indexed]] = defaultdict(list)
        unmarked: dict[Stage, list[Indexed]] = defaultdict(list)
        for each in sorted(kept, key=_LEAST):
            if each.handles is None:
                unmarked[each.offer.stage].append(each)
            for mark in each.handles or ():
                marked[mark].append(each)
        return cls(
            kept,
            dict(marked),
            dict(unmarked),
            tuple(sorted({each.offer.stage for each in kept})),
        )

    def at(self, stage: Stage) -> "OfferIndex":
        """Return the index of the offers of one stage alone."""
        return OfferIndex.of(e for e in self.entries if e.offer.stage is stage)

    def offers_for(self, request: PriceRequest) -> list[Any]:
        """Return the offers a request may reach, and the others as ``FarOffers``."""
        spend, marks = spend_and_marks(request)
        near = self._within(spend, marks, request.now)
        found: list[Any] = [each.offer for each in near.values()]
        if len(near) < len(self.entries):
            found += self._far(near, spend, request.now)
        return found

    def near(self, request: PriceRequest) -> list[Any]:
        """Return the offers a request may reach, and nothing of the others."""
        within = self._within(*spend_and_marks(request), request.now)
        return [each.offer for each in within.values()]

    def _within(
        self, spend_minor: int, marks: frozenset[str], now: datetime
    ) -> dict[int, Indexed]:
        near: dict[int, Indexed] = {}
        for shelf in self._shelves(marks):
            for each in shelf[: _reached(shelf, spend_minor)]:
                if each.is_on(now):
                    near[id(each)] = each
        return near

    def _shelves(self, marks: Iterable[str]) -> Iterator[_Shelf]:
        yield from self._open.values()
        for mark in marks:
            shelf = self._by_mark.get(mark)
            if shelf is not None:
                yield shelf

    def _far(
        self, near: dict[int, Indexed], spend_minor: int, now: datetime
    ) -> list[FarOffers]:
        far = []
        for stage in self.stages:
            shelf = self._open.get(stage, [])
            beyond = islice(shelf, _reached(shelf, spend_minor), None)
            closest = next((e.offer for e in beyond if e.is_on(now)), None)
            far.append(FarOffers(stage, self._listing(stage, near, now), closest))
        return far

    def _listing(self, stage: Stage, near: dict[int, Indexed], now: datetime) -> Any:
        def listed() -> list[Any]:
            return [
                each.offer
                for each in self.entries
                if each.offer.stage is stage
                and id(each) not in near
                and each.is_on(now)
            ]

        return listed


def _reached(shelf: _Shelf, spend_minor: int) -> int:
    """Return how many offers such a spend reaches."""
    return bisect_right(shelf, spend_minor, key=_LEAST)


def spend_and_marks(request: PriceRequest) -> tuple[int, frozenset[str]]:
    """Return the most goods can be worth to an offer, and every mark of a request."""
    marks: set[str] = {f"code:{code}" for code in request.coupon_codes}
    marks |= request.audiences
    spend = 0
    for line in request.lines:
        marks |= line.every_mark
        if line.kind in GOODS:
            spend += line.at_best_price(request.audiences).gross_minor
    return spend, frozenset(marks)
