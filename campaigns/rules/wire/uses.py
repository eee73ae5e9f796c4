"""What was used of the promotions of a case, and its budgets. Plain Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaigns.rules.wire.reading import Money, NotExpressible, known_keys, whole


@dataclass(frozen=True, slots=True)
class Use:
    """That somebody used a promotion, so often; ``order`` is what it was used for."""

    promotion: str
    member: str = ""
    count: int = 1
    order: str = ""
    code: str = ""
    minor: int = 0
    #: How often it was given in all that: one order may hold several sets.
    applications: int = -1

    def __post_init__(self) -> None:
        """Take a use for one application where nobody counted them."""
        if self.applications < 0:
            object.__setattr__(self, "applications", self.count)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a promotion, or all those of a campaign, may give: money, or uses."""

    limit: int
    used: int = 0
    is_of_uses: bool = False
    #: The promotions that share it.
    members: frozenset[str] = frozenset()
    number: int = 0

    def left(self, uses: Iterable[Use]) -> int:
        """Return what is left of it, in minor units or uses, after some uses (S21)."""
        mine = [each for each in uses if each.promotion in self.members]
        gone = sum(each.count if self.is_of_uses else each.minor for each in mine)
        return max(0, self.limit - self.used - gone)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of a case, by promotion: its own, and that of its campaign."""

    own: Mapping[str, Budget] = field(default_factory=dict)
    shared: Mapping[str, Budget] = field(default_factory=dict)

    def of(self, promotion: str) -> list[Budget]:
        """Return the budgets that bind a promotion."""
        found = (self.own.get(promotion), self.shared.get(promotion))
        return [each for each in found if each is not None]


def budgets_of(promotions: Sequence[Mapping[str, Any]], money: Money) -> Budgets:
    """Read the budgets of promotions and of their campaigns.

    Raises:
        NotExpressible: a campaign is said to have several.
    """
    own = {}
    members: dict[str, set[str]] = {}
    told: dict[str, Mapping[str, Any]] = {}
    for each in promotions:
        name = str(each["id"])
        limit = (each.get("limits") or {}).get("discount_budget")
        if limit is not None:
            own[name] = Budget(money.read(limit), members=frozenset({name}))
        campaign = each.get("campaign")
        if not isinstance(campaign, Mapping):
            campaign = {"id": campaign}
        known_keys("campaign", campaign, {"id", "budget", "name"})
        named = campaign.get("id")
        # Without a name nobody can share it.
        key = f"promotion:{name}" if named is None else f"campaign:{named}"
        members.setdefault(key, set()).add(name)
        budget = campaign.get("budget")
        if budget and told.setdefault(key, budget) != budget:
            raise NotExpressible(f"budget: campaign {named} has several")
    shared = {}
    for number, (key, budget) in enumerate(told.items(), 1):
        found = _budget(budget, money, frozenset(members[key]), number)
        shared.update(dict.fromkeys(members[key], found))
    return Budgets(own, shared)


def _budget(
    given: Mapping[str, Any], money: Money, members: frozenset[str], number: int
) -> Budget:
    known_keys("budget", given, {"type", "limit", "used"})
    is_of_uses = given.get("type") == "usage"
    read = whole if is_of_uses else money.read
    used = read(given.get("used") or 0)
    return Budget(read(given["limit"]), used, is_of_uses, members, number)
