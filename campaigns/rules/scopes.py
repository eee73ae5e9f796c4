"""Which lines an offer looks at: set algebra over marks. Plain Python.

A line carries marks: its SKU, product, categories with all above them, and whatever
else was said of it (``sku:A``, ``category:12``, ``addon``). A scope compares sets of
marks, so what a scope can match is known before any cart is: see ``index``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orders.rules.offers import FREIGHT_KIND, PriceLine, StageLine, StageLines

#: Kinds of lines that offers on goods look at; fees are never reduced.
GOODS = frozenset({"goods"})
#: A line that counts for conditions and gets no reduction.
UNDISCOUNTABLE = "undiscountable"
ADDON = "addon"
#: Its price fell below list by a sale, tier or group price (C17).
ON_SALE = "on_sale"


def marks_of(line: PriceLine) -> frozenset[str]:
    """Return everything a scope may ask of a line, whatever is taken off it.

    >>> line = PriceLine(1, 1, 7, None, "A", "A", "goods", 1, 100, category_ids=(3,))
    >>> sorted(marks_of(line))
    ['category:3', 'product:7', 'sku:A']
    """
    marks = {f"sku:{line.sku}", f"product:{line.product_id}", *line.marks}
    marks.update([f"category:{each}" for each in line.category_ids])
    if line.unit_price_minor < line.list_price_minor:
        marks.add(ON_SALE)
    return frozenset(marks)


@dataclass(frozen=True, slots=True)
class Scope:
    """Lines of some kinds that carry the marks, less those that are left out.

    ``needs`` are sets of which each must share a mark with the line; ``any_of`` are
    scopes of which one must match. A unit price lies between both bounds, inclusive.
    """

    needs: tuple[frozenset[str], ...] = ()
    avoids: frozenset[str] = frozenset()
    any_of: tuple["Scope", ...] = ()
    without: tuple["Scope", ...] = ()
    least_unit_minor: int | None = None
    most_unit_minor: int | None = None
    kinds: frozenset[str] = GOODS
    #: Marks of which every line in it carries one; None if it needs none. Nobody knows
    #: before a price is made by which method a cart is delivered.
    handles: frozenset[str] | None = field(init=False, compare=False, repr=False)
    #: Every offer asks for its lines by its scope.
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Find out once what is asked of it again and again."""
        object.__setattr__(self, "handles", _handles(self))
        parts = (self.needs, self.avoids, self.any_of, self.without, self.kinds)
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash

    def of(self, lines: StageLines) -> tuple[StageLine, ...]:
        """Return the lines in it, in order."""
        places = lines.places.get(self)
        if places is None:
            if self.has_bounds:
                return tuple(each for each in lines if self.matches(each, lines.known))
            places = lines.places[self] = self._places(lines)
        return tuple([lines[place] for place in places])

    def _places(self, lines: StageLines) -> tuple[int, ...]:
        """Return where its lines stand, asking those with a mark it needs first."""
        near: Iterable[int] = range(len(lines))
        if self.needs:
            by_mark = places_by_mark(lines)
            near = sorted(
                {place for mark in self.needs[0] for place in by_mark.get(mark, ())}
            )
        if len(self.needs) <= 1 and not (self.avoids or self.any_of or self.without):
            # They were found by all that it asks but the kind.
            return tuple(at for at in near if lines[at].line.kind in self.kinds)
        known = lines.known
        return tuple(at for at in near if self.matches(lines[at], known))

    @property
    def has_bounds(self) -> bool:
        """Tell whether it looks at prices, which offers on unit prices change."""
        inner = (*self.any_of, *self.without)
        return (
            self.least_unit_minor is not None
            or self.most_unit_minor is not None
            or any(each.has_bounds for each in inner)
        )

    def matches(self, each: StageLine, known: dict[Any, Any]) -> bool:
        """Tell whether one line is in it."""
        line = each.line
        if line.kind not in self.kinds:
            return False
        marks = _known_marks(line, known)
        if self.avoids & marks or not all(need & marks for need in self.needs):
            return False
        if not self._within_bounds(each):
            return False
        if self.any_of and not any(one.matches(each, known) for one in self.any_of):
            return False
        return not any(out.matches(each, known) for out in self.without)

    def _within_bounds(self, each: StageLine) -> bool:
        quantity = each.line.quantity
        least, most = self.least_unit_minor, self.most_unit_minor
        if least is not None and each.opening_minor < least * quantity:
            return False
        return most is None or each.opening_minor <= most * quantity


def fewest(found: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return the smallest set of marks that is one; of equals the first."""
    least = None
    for marks in found:
        if marks is not None and (least is None or len(marks) < len(least)):
            least = marks
    return least


def _handles(scope: Scope) -> frozenset[str] | None:
    if FREIGHT_KIND in scope.kinds:
        return None
    if scope.needs:
        return fewest(scope.needs)
    inner = [each.handles for each in scope.any_of]
    if not inner or any(each is None for each in inner):
        return None
    return frozenset[str]().union(*(each for each in inner if each))


def _known_marks(line: PriceLine, known: dict[Any, Any]) -> frozenset[str]:
    key = ("marks", line.position)
    if key not in known:
        known[key] = marks_of(line)
    marks: frozenset[str] = known[key]
    return marks


def places_by_mark(lines: StageLines) -> dict[str, list[int]]:
    """Return mark -> places of lines that carry it, found once for the same lines."""
    by_mark: dict[str, list[int]] | None = lines.places.get("by_mark")
    if by_mark is None:
        by_mark = lines.places["by_mark"] = {}
        for place, each in enumerate(lines):
            for mark in _known_marks(each.line, lines.known):
                by_mark.setdefault(mark, []).append(place)
    return by_mark


def delivery(methods: Iterable[str] = ()) -> Scope:
    """Return the scope of what delivery costs, by some methods or any."""
    needs = frozenset(f"method:{each}" for each in methods)
    return Scope(needs=(needs,) if needs else (), kinds=frozenset({FREIGHT_KIND}))


ALL = Scope()
