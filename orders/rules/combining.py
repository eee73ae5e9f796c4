"""Which offers of a lane apply together: groups, pair bans, the best choice (S4-S6).

Offers that rule each other out are rivals. With at most ``MOST_RIVALS`` of them every
permitted combination is looked at, cut short only where what is left of the cart
cannot beat the best one found; so the choice is provably the best. So it is with more
that fall into parts, which do not matter to one another (``searching``). Where that
would ask too much, each group takes the offer that saves most by itself, and the
answer says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orders.rules.baskets import Basket
from orders.rules.lines import StageLines
from orders.rules.offers import GOODS_STAGES, Offer, Refused, Stage
from orders.rules.searching import Company, Search, ask, group_of, parts_of, worth

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
    has_gifts = any(each.has_gifts for each in offers) if rivals else False
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
    chosen: frozenset[int] = frozenset()
    is_approximate, questions = False, 0
    for part in parts_of(offers, living, lines):
        is_greedy = stacking.choose is not Choose.BEST or part.is_one_group
        if not is_greedy:
            questions += part.questions
            is_greedy = questions > _MOST_QUESTIONS and len(living) > MOST_RIVALS
            is_approximate = is_approximate or is_greedy
        if is_greedy:
            chosen |= _greedy(company, part.rivals, savings, stacking.choose)
            continue
        search = Search(stage, part, won=won, entering=entering, has_gifts=has_gifts)
        chosen |= search.best_from(basket, company)
    return Choice(
        chosen=chosen,
        refused=refused,
        rivals=frozenset(id(each) for each in living),
        won=won,
        is_approximate=is_approximate,
    )


def _rivals(company: Company, offers: Sequence[Offer]) -> list[Offer]:
    """Return the offers that rule out another one of them, or are ruled out."""
    if not any(group_of(each) or each.forbids for each in offers):
        return []
    free = [each for each in offers if company.objects_to(each) is None]
    sizes = Counter(group_of(each) for each in free)
    bans = {each.source_id: each.forbids for each in free}
    present = frozenset(bans)
    banned = frozenset[str]().union(*(bans[each] & present for each in bans))
    return [
        each
        for each in free
        if (group_of(each) and sizes[group_of(each)] > 1)
        or each.source_id in banned
        or bans[each.source_id] & present
    ]


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
        if not group or offer.group_scope != "line":
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


def winner_over(offer: Offer, winners: Sequence[Offer]) -> Refused:
    """Say which of the chosen rivals an offer gives way to."""
    for other in winners:
        company = Company()
        company.admit(other)
        why = company.objects_to(offer)
        if why is not None:
            return why
    # Without it the others save more.
    return Refused("better_without")
