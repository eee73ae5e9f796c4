"""Which lines an offer looks at: set algebra over marks. Plain Python.

A line carries marks: its SKU, product, categories with all above them, and whatever
else was said of it (``sku:A``, ``category:12``, ``addon``). A scope compares sets of
marks, so what a scope can match is known before any cart is: see ``index``.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from orders.rules.lines import DELIVERY_KINDS, FREIGHT_KIND, StageLine, StageLines

#: Kinds of lines that offers on goods look at; fees are never reduced.
GOODS = frozenset({"goods"})
#: A line that counts for conditions and gets no reduction.
UNDISCOUNTABLE = "undiscountable"
ADDON = "addon"
#: Where the places of lines by their marks are kept.
_BY_MARK = object()


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
    #: Without lines whose unit price an offer has lowered, as one of a catalogue does.
    at_full_price: bool = False
    kinds: frozenset[str] = GOODS
    #: Marks of which every line in it carries one; None if it needs none. Nobody knows
    #: before a price is made by which method a cart is delivered.
    handles: frozenset[str] | None = field(init=False, compare=False, repr=False)
    #: The mark of goods that is all it asks for; "" if it asks for more.
    _mark: str = field(init=False, compare=False, repr=False)
    #: Every offer asks for its lines by its scope.
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Find out once what is asked of it again and again."""
        object.__setattr__(self, "handles", _handles(self))
        object.__setattr__(self, "_mark", _only_mark(self))
        parts = (self.needs, self.avoids, self.any_of, self.without, self.kinds)
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash

    def of(self, lines: StageLines) -> tuple[StageLine, ...]:
        """Return the lines in it, in order."""
        # Most scopes ask for one mark; those that ask for the same one find it by that.
        key = self._mark or self
        places = lines.places.get(key)
        if places is None:
            if self.has_bounds:
                return tuple(each for each in lines if self.matches(each))
            places = lines.places[key] = self._places(lines)
        return tuple([lines[place] for place in places])

    def _places(self, lines: StageLines) -> tuple[int, ...]:
        """Return where its lines stand, asking those with a mark it needs first."""
        near: Iterable[int] = range(len(lines))
        if self.needs:
            by_mark = places_by_mark(lines)
            found = [by_mark[mark] for mark in self.needs[0] if mark in by_mark]
            near = found[0] if len(found) == 1 else sorted(set().union(*found))
        if len(self.needs) <= 1 and not (self.avoids or self.any_of or self.without):
            # They were found by all that it asks but the kind.
            return tuple([at for at in near if lines[at].line.kind in self.kinds])
        return tuple(at for at in near if self.matches(lines[at]))

    @property
    def has_bounds(self) -> bool:
        """Tell whether it looks at prices, which offers on unit prices change."""
        inner = (*self.any_of, *self.without)
        return (
            self.least_unit_minor is not None
            or self.most_unit_minor is not None
            or self.at_full_price
            or any(each.has_bounds for each in inner)
        )

    def matches(self, each: StageLine) -> bool:
        """Tell whether one line is in it."""
        line = each.line
        if line.kind not in self.kinds:
            return False
        marks = line.every_mark
        if self.avoids & marks or not all(need & marks for need in self.needs):
            return False
        if not self._within_bounds(each):
            return False
        if self.any_of and not any(one.matches(each) for one in self.any_of):
            return False
        return not any(out.matches(each) for out in self.without)

    def _within_bounds(self, each: StageLine) -> bool:
        if self.at_full_price and each.opening_minor < each.line.gross_minor:
            return False
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


def _only_mark(scope: Scope) -> str:
    needs = scope.needs
    if len(needs) != 1 or len(needs[0]) != 1 or scope.kinds != GOODS:
        return ""
    if scope.avoids or scope.any_of or scope.without or scope.has_bounds:
        return ""
    return next(iter(needs[0]))


def places_by_mark(lines: StageLines) -> dict[str, list[int]]:
    """Return mark -> places of lines that carry it, found once for the same lines."""
    by_mark: dict[str, list[int]] | None = lines.places.get(_BY_MARK)
    if by_mark is None:
        by_mark = lines.places[_BY_MARK] = defaultdict(list)
        for place, each in enumerate(lines):
            for mark in each.line.every_mark:
                by_mark[mark].append(place)
    return by_mark


def delivery(methods: Iterable[str] = ()) -> Scope:
    """Return the scope of what delivery costs, by some methods or any."""
    needs = frozenset(f"method:{each}" for each in methods)
    return Scope(needs=(needs,) if needs else (), kinds=DELIVERY_KINDS)


ALL = Scope()
