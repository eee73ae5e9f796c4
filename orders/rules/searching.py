"""Searching for the best of offers that rule each other out (S4-S6). Plain Python.

Offers that neither rule each other out nor look at the same lines do not matter to one
another, so each part of a lane that holds together is searched by itself.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from orders.rules.baskets import Basket
from orders.rules.gifts import listed_worth
from orders.rules.lines import StageLines
from orders.rules.offers import Offer, Reduction, Refused, Stage
from orders.rules.takings import Taking


@dataclass(slots=True)
class Company:
    """The offers that applied so far, as those to come meet them."""

    groups: dict[str, str] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    #: Id that must not come -> id of who forbids it.
    banned: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Company":
        """Return company to try something in."""
        return Company(dict(self.groups), set(self.present), dict(self.banned))

    def objects_to(self, offer: Offer) -> Refused | None:
        """Say who stands in the way of an offer; a ban goes before a group (S5)."""
        by = self.banned.get(offer.source_id)
        forbids = offer.forbids
        if by is None and forbids:
            by = min(forbids & self.present, default=None)
        if by is not None:
            return Refused("not_combinable", {"with": by})
        by = self.groups.get(group_of(offer)) if self.groups else None
        return Refused("exclusive_group", {"with": by}) if by is not None else None

    def admit(self, offer: Offer) -> None:
        """Let an offer in."""
        self.present.add(offer.source_id)
        group = group_of(offer)
        if group:
            self.groups[group] = offer.source_id
        for other in offer.forbids:
            self.banned.setdefault(other, offer.source_id)


def ask(
    basket: Basket, offer: Offer, lines: StageLines, won: Mapping[int, frozenset[int]]
) -> tuple[Reduction, Taking] | Refused:
    """Return what an offer takes of a basket, or why nothing."""
    answer = offer.reduce(lines)
    if isinstance(answer, Refused):
        return answer
    taking = basket.takeable(answer)
    if offer.stage is Stage.FREIGHT:
        # What delivery does not cost is not taken off goods instead (S19).
        taking = taking.of_positions(basket.frame.delivery_at)
    mine = won.get(id(offer))
    if mine is not None:
        taking = taking.of_positions(mine)
    return answer, taking


def worth(answer: Reduction, taking: Taking) -> int:
    """Return what a reduction is worth to the buyer: money off and gifts."""
    return taking.amount_minor + listed_worth(answer.gifts)


@dataclass(frozen=True, slots=True)
class Part:
    """Offers of a lane that hold together, in order, and the rivals among them."""

    offers: tuple[Offer, ...]
    rivals: tuple[Offer, ...]
    #: Lines that concern one of them.
    positions: frozenset[int]

    @property
    def is_one_group(self) -> bool:
        """Tell whether one of them applies at most: what saves most by itself."""
        groups = {group_of(each) for each in self.offers}
        return len(groups) == 1 and "" not in groups

    @property
    def questions(self) -> int:
        """Return how many offers are asked where every combination is tried."""
        others = len(self.offers) - len(self.rivals)
        return _combinations(self.rivals) * (others + 1)


def parts_of(
    offers: Sequence[Offer], rivals: Sequence[Offer], lines: StageLines
) -> list[Part]:
    """Return the parts that hold rivals, the quickest to search first.

    Two offers hold together that share a group, a ban or a line, or that both give
    goods. One that does not say which lines concern it holds together with all.
    """
    heads = list(range(len(offers)))

    def head(at: int) -> int:
        while heads[at] != at:
            heads[at] = heads[heads[at]]
            at = heads[at]
        return at

    everywhere = frozenset(each.line.position for each in lines)
    concerned = [_concerned(offer, lines, everywhere) for offer in offers]
    first_with: dict[object, int] = {}
    for at, offer in enumerate(offers):
        for tie in (*_ties(offer), *concerned[at]):
            heads[head(at)] = head(first_with.setdefault(tie, at))
    members: dict[int, list[int]] = {}
    for at in range(len(offers)):
        members.setdefault(head(at), []).append(at)
    keys = {id(each) for each in rivals}
    parts = [
        Part(
            tuple(offers[at] for at in some),
            tuple(offers[at] for at in some if id(offers[at]) in keys),
            frozenset[int]().union(*(concerned[at] for at in some)),
        )
        for some in members.values()
    ]
    return sorted((part for part in parts if part.rivals), key=lambda p: p.questions)


def _concerned(
    offer: Offer, lines: StageLines, everywhere: frozenset[int]
) -> frozenset[int]:
    positions = offer.concerns(lines)
    return everywhere if positions is None else positions


def _ties(offer: Offer) -> Iterator[tuple[str, str]]:
    """Return what an offer has in common with those that may rule it out."""
    yield "id", offer.source_id
    for other in offer.forbids:
        yield "id", other
    if group_of(offer):
        yield "group", group_of(offer)
    if offer.has_gifts:
        # Two may give of one stock.
        yield "gifts", ""


class Search:
    """Branch and bound over the permitted combinations of a part."""

    def __init__(
        self,
        stage: Stage,
        part: Part,
        *,
        won: Mapping[int, frozenset[int]],
        entering: dict[int, int],
        has_gifts: bool,
    ) -> None:
        self.stage, self.offers, self.positions = stage, part.offers, part.positions
        self.rivals = {id(each) for each in part.rivals}
        self.won, self.entering, self.has_gifts = won, entering, has_gifts
        self.best: frozenset[int] = frozenset()
        self.most = -1

    def best_from(self, basket: Basket, company: Company) -> frozenset[int]:
        """Return the rivals that save most; of equal choices the first (S3)."""
        self._visit(0, basket.copy(), company.copy(), frozenset(), 0)
        return self.best

    def _visit(
        self,
        at: int,
        basket: Basket,
        company: Company,
        chosen: frozenset[int],
        saved: int,
    ) -> None:
        """Try every way on from an offer on; ``basket`` and ``company`` are used up.

        With a rival goes before without it, so of equals the first one wins (S3).
        """
        lines = basket.at(self.stage, self.entering)
        room = self._room(basket)
        for place in range(at, len(self.offers)):
            if not self.has_gifts and saved + room <= self.most:
                return
            offer = self.offers[place]
            if company.objects_to(offer) is not None:
                continue
            asked = ask(basket, offer, lines, self.won)
            gain = 0 if isinstance(asked, Refused) else worth(*asked)
            if isinstance(asked, Refused) or not gain:
                continue
            if id(offer) in self.rivals:
                tried, among = basket.copy(), company.copy()
                tried.take(asked[1], closes=asked[0].closes)
                among.admit(offer)
                with_it = chosen | {id(offer)}
                self._visit(place + 1, tried, among, with_it, saved + gain)
            else:
                basket.take(asked[1], closes=asked[0].closes)
                company.admit(offer)
                saved += gain
                lines = basket.at(self.stage, self.entering)
                room = self._room(basket)
        if saved > self.most:
            self.most, self.best = saved, chosen

    def _room(self, basket: Basket) -> int:
        """Return the most they can still take: what is left above floors."""
        return sum(basket.rooms(self.positions))


def group_of(offer: Offer) -> str:
    """Return the group that lets one offer in per order, if any."""
    group = offer.exclusive_group
    return group if group and offer.group_scope == "order" else ""


def _combinations(rivals: Sequence[Offer]) -> int:
    """Return how many combinations groups permit; bans only make them fewer."""
    sizes = Counter(group_of(each) for each in rivals)
    loose = sizes.pop("", 0)
    return min(prod(size + 1 for size in sizes.values()) << min(loose, 32), 1 << 62)
