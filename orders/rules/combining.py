"""Which offers of a lane apply together: groups, pair bans, the best choice (S4-S6).

Offers that rule each other out are rivals. With at most ``MOST_RIVALS`` of them every
permitted combination is looked at, cut short only where what is left of the cart
cannot beat the best one found; so the choice is provably the best. With more rivals
each group takes the offer that saves most by itself, and the answer says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

from orders.rules.baskets import Basket, Taking
from orders.rules.offers import (
    GOODS_STAGES,
    Offer,
    Reduction,
    Refused,
    Stage,
    StageLines,
    trait,
)

#: As many offers that rule each other out are always chosen among exactly.
MOST_RIVALS = 12
#: More are, as long as trying them asks no more than so many offers.
_MOST_QUESTIONS = 3_000


class Choose(StrEnum):
    """Who wins between offers that do not combine (S6)."""

    #: What saves the buyer most; of equals the first (S3).
    BEST = "best"
    #: The first that takes something (S3).
    FIRST = "first"
    #: What saves the buyer least.
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True)
class Stacking:
    """How offers meet: the shop's rules unless something else is said."""

    choose: Choose = Choose.BEST
    #: Whether an offer that wants to be alone must save more than the others do.
    alone: Choose = Choose.BEST
    #: Stages that an offer of one of them empties when it is alone (S4).
    alone_over: tuple[frozenset[Stage], ...] = (GOODS_STAGES,)


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
        forbids = trait(offer, "forbids")
        if by is None and forbids:
            by = min(forbids & self.present, default=None)
        if by is not None:
            return Refused("not_combinable", {"with": by})
        by = self.groups.get(_group(offer)) if self.groups else None
        return Refused("exclusive_group", {"with": by}) if by is not None else None

    def admit(self, offer: Offer) -> None:
        """Let an offer in."""
        self.present.add(offer.source_id)
        if _group(offer):
            self.groups[_group(offer)] = offer.source_id
        for other in trait(offer, "forbids"):
            self.banned.setdefault(other, offer.source_id)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rivals apply. Offers are known here by ``id()``: they need no hash."""

    chosen: frozenset[int] = frozenset()
    #: Rivals that take nothing whoever wins: they did not give way to anybody.
    refused: Mapping[int, Refused] = field(default_factory=dict)
    rivals: frozenset[int] = frozenset()
    #: Lines that an offer won, of those where a group lets one offer in per line.
    won: Mapping[int, frozenset[int]] = field(default_factory=dict)
    is_approximate: bool = False


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
        taking = taking.of_positions(basket.charged_at)
    mine = won.get(id(offer))
    if mine is not None:
        taking = taking.of_positions(mine)
    return answer, taking


def worth(answer: Reduction, taking: Taking) -> int:
    """Return what a reduction is worth to the buyer: money off and gifts."""
    gifts = sum(gift.listed_minor * gift.quantity for gift in answer.gifts)
    return taking.amount_minor + gifts


def choose(
    basket: Basket,
    company: Company,
    stage: Stage,
    offers: Sequence[Offer],
    *,
    stacking: Stacking,
    entering: dict[int, int],
) -> Choice:
    """Choose among the rivals of a lane.

    Args:
        basket: as the lane finds it; nothing is taken from it.
        entering: what is left of each line as the lane finds it.
        offers: those within reach, in order (S3).
    """
    lines = basket.at(stage, entering)
    won = _lines_won(basket, lines, offers)
    rivals = _rivals(company, offers)
    refused: dict[int, Refused] = {}
    savings: dict[int, int] = {}
    has_gifts = False
    for offer in rivals:
        asked = ask(basket, offer, lines, won)
        if isinstance(asked, Refused):
            refused[id(offer)] = asked
        else:
            savings[id(offer)] = worth(*asked)
            has_gifts = has_gifts or bool(asked[0].gifts)
    living = _rivals(company, [each for each in rivals if savings.get(id(each))])
    if not living:
        return Choice(refused=refused, won=won)
    keys = frozenset(id(each) for each in living)
    others = sum(1 for each in offers if id(each) not in keys)
    is_exact = len(living) <= MOST_RIVALS or (
        _combinations(living) * (others + 1) <= _MOST_QUESTIONS
    )
    if stacking.choose is Choose.BEST and is_exact:
        search = _Search(
            stage,
            offers,
            rivals=keys,
            won=won,
            entering=entering,
            has_gifts=has_gifts,
        )
        search.visit(0, basket.copy(), company.copy(), frozenset(), 0)
        chosen = search.best
    else:
        chosen = _greedy(company, living, savings, stacking.choose)
    return Choice(
        chosen=chosen,
        refused=refused,
        rivals=keys,
        won=won,
        is_approximate=stacking.choose is Choose.BEST and not is_exact,
    )


class _Search:
    """Branch and bound over the permitted combinations of a lane."""

    def __init__(
        self,
        stage: Stage,
        offers: Sequence[Offer],
        *,
        rivals: frozenset[int],
        won: Mapping[int, frozenset[int]],
        entering: dict[int, int],
        has_gifts: bool,
    ) -> None:
        self.stage, self.offers, self.rivals = stage, offers, rivals
        self.won, self.entering, self.has_gifts = won, entering, has_gifts
        self.best: frozenset[int] = frozenset()
        self.most = -1

    def visit(
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
        most_more = _room(basket, lines)
        for place in range(at, len(self.offers)):
            if not self.has_gifts and saved + most_more <= self.most:
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
                tried.take(asked[1])
                among.admit(offer)
                with_it = chosen | {id(offer)}
                self.visit(place + 1, tried, among, with_it, saved + gain)
            else:
                basket.take(asked[1])
                company.admit(offer)
                saved += gain
                lines = basket.at(self.stage, self.entering)
                most_more = _room(basket, lines)
        if saved > self.most:
            self.most, self.best = saved, chosen


def _room(basket: Basket, lines: StageLines) -> int:
    """Return the most that any offers can still take: what is left above floors."""
    return sum(basket.rooms(each.line.position for each in lines))


def _group(offer: Offer) -> str:
    """Return the group that lets one offer in per order, if any."""
    return offer.exclusive_group if trait(offer, "group_scope") == "order" else ""


def _rivals(company: Company, offers: Sequence[Offer]) -> list[Offer]:
    """Return the offers that rule out another one of them, or are ruled out."""
    free = [each for each in offers if company.objects_to(each) is None]
    sizes = Counter(_group(each) for each in free)
    bans = {each.source_id: trait(each, "forbids") for each in free}
    present = frozenset(bans)
    banned = frozenset[str]().union(*(bans[each] & present for each in bans))
    return [
        each
        for each in free
        if (_group(each) and sizes[_group(each)] > 1)
        or each.source_id in banned
        or bans[each.source_id] & present
    ]


def _combinations(rivals: Sequence[Offer]) -> int:
    """Return how many combinations groups permit; bans only make them fewer."""
    sizes = Counter(_group(each) for each in rivals)
    loose = sizes.pop("", 0)
    return min(prod(size + 1 for size in sizes.values()) << min(loose, 32), 1 << 62)


def _greedy(
    company: Company,
    rivals: Sequence[Offer],
    savings: Mapping[int, int],
    how: Choose,
) -> frozenset[int]:
    """Let rivals in one by one: what saves most (or least) by itself, or the first."""
    keys = {Choose.BEST: -1, Choose.FIRST: 0, Choose.SMALLEST: 1}
    among, chosen = company.copy(), set()
    for offer in sorted(rivals, key=lambda each: keys[how] * savings[id(each)]):
        if among.objects_to(offer) is None:
            among.admit(offer)
            chosen.add(id(offer))
    return frozenset(chosen)


def _lines_won(
    basket: Basket, lines: StageLines, offers: Sequence[Offer]
) -> dict[int, frozenset[int]]:
    """Return the lines that offers win whose groups let one in per line (S4).

    Each line goes to the offer that takes most off it, asked by itself on entering
    the lane; of equals to the first (S3).
    """
    best: dict[tuple[str, int], tuple[int, int]] = {}
    contenders: set[int] = set()
    for offer in offers:
        group = offer.exclusive_group
        if not group or trait(offer, "group_scope") != "line":
            continue
        contenders.add(id(offer))
        asked = ask(basket, offer, lines, {})
        if isinstance(asked, Refused):
            continue
        for position, amount in asked[1].shares:
            if amount > best.get((group, position), (0, 0))[0]:
                best[group, position] = (amount, id(offer))
    return {
        each: frozenset(
            position for (_g, position), (_a, winner) in best.items() if winner == each
        )
        for each in contenders
    }
