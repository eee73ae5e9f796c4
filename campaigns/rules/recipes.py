"""What a marketer may put together: one small class a kind of promotion. Plain Python.

A recipe says what is given (``gives``), on which goods, when, and beside which other
offers. It is what the form edits and what a revision keeps; ``recipes_reading`` reads
it from JSON and ``recipes_making`` makes the offer of it. Amounts are minor units,
shares basis points. A new kind is a class here, a line in ``KINDS``, a maker, and its
words in ``campaigns.promotion_words``.
"""

from dataclasses import MISSING, dataclass, field
from datetime import time
from typing import Any, ClassVar

from campaigns.rules.rungs import BadRungs, check_rungs

WHOLE_BP = 10_000
_MOST_MINOR = 10**12
_MOST_COUNT = 10_000


class BadRecipe(ValueError):
    """A recipe that no shop can mean: which field, and what is wrong with it.

    ``field`` is a path such as ``gives.percent_bp``; ``problem`` is one of ``unknown``,
    ``missing``, ``not_whole``, ``out_of_range``, ``not_text``, ``not_a_choice``,
    ``not_a_list``, ``not_rising``, ``never_ends``, ``empty``.
    """

    def __init__(self, field: str, problem: str):
        """Keep both."""
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def _money(default: Any = MISSING, *, least: int = 1) -> Any:
    return field(
        default=default, metadata={"is": "money", "least": least, "most": _MOST_MINOR}
    )


def _share(default: Any = MISSING) -> Any:
    return field(
        default=default, metadata={"is": "share", "least": 1, "most": WHOLE_BP}
    )


def _count(default: Any = MISSING, *, least: int = 1, most: int = _MOST_COUNT) -> Any:
    return field(
        default=default, metadata={"is": "count", "least": least, "most": most}
    )


def _choice(default: Any, *choices: str) -> Any:
    return field(default=default, metadata={"is": "choice", "choices": choices})


def _list(what: str, **more: Any) -> Any:
    return field(default=(), metadata={"is": what, **more})


# --- What is common to all kinds -----------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Goods that are one of what is named, and none of what is left out.

    Nothing named is everything. Categories hold all below them.
    """

    categories: tuple[int, ...] = _list("ids")
    products: tuple[int, ...] = _list("ids")
    brands: tuple[int, ...] = _list("ids")
    skus: tuple[str, ...] = _list("names")
    not_categories: tuple[int, ...] = _list("ids")
    not_products: tuple[int, ...] = _list("ids")
    not_brands: tuple[int, ...] = _list("ids")
    not_skus: tuple[str, ...] = _list("names")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """What must hold: of the goods it is about, of the buyer, of the moment.

    ``audience`` is as in ``orders.Price``: ``member``, ``tier:gold``; none is
    everybody. ``nth_order`` 1 is a first order. ``until`` before ``since`` is the next
    morning.
    """

    least_spend_minor: int = _money(0, least=0)
    least_units: int = _count(0, least=0)
    audience: tuple[str, ...] = _list("names")
    nth_order: int = _count(0, least=0)
    channels: tuple[str, ...] = _list("names")
    weekdays: tuple[int, ...] = _list("ids", most=7)
    since: time | None = field(default=None, metadata={"is": "time"})
    until: time | None = field(default=None, metadata={"is": "time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """How it goes with other offers, and the most it takes off one order."""

    cap_minor: int | None = _money(None)
    #: Instead of all others, or not at all (S4).
    is_alone: bool = field(default=False, metadata={"is": "yes"})
    #: Public ids of promotions it does not go with (S5).
    forbids: tuple[str, ...] = _list("names")
    #: What is reduced already stays as it is (C17).
    skips_discounted: bool = field(default=False, metadata={"is": "yes"})


# --- The kinds -------------------------------------------------------------------


class Gives:
    """What a kind of promotion gives."""

    #: At most one offer of a group applies (S4); what the form proposes.
    group: ClassVar[str] = ""
    #: It makes no sense for everybody.
    wants_audience: ClassVar[bool] = False
    __slots__ = ()

    def check(self) -> None:
        """Refuse numbers that do not go together.

        Raises:
            BadRecipe: naming the field.
        """

    @property
    def share_bp(self) -> int | None:
        """Return the largest share of prices it gives away; None where it varies."""
        return None

    @property
    def most_minor(self) -> int | None:
        """Return the most it takes off one order; None where nothing says so."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendLadder(Gives):
    """满减: the highest step reached is taken off the order (S13)."""

    rungs: tuple[tuple[int, int], ...] = field(metadata={"is": "rungs"})
    group: ClassVar[str] = "order"

    def check(self) -> None:
        """Refuse steps that do not rise in both numbers."""
        try:
            check_rungs([list(rung) for rung in self.rungs], repeats=False)
        except BadRungs as error:
            raise BadRecipe("gives.rungs", "not_rising") from error

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return max(off * WHOLE_BP // spend for spend, off in self.rungs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendEvery(Gives):
    """每满X减Y: an amount off for every full threshold, so many times (S14)."""

    spend_minor: int = _money()
    off_minor: int = _money()
    most_times: int = _count(1)
    group: ClassVar[str] = "order"

    def check(self) -> None:
        """Refuse more off than is spent."""
        if self.off_minor > self.spend_minor:
            raise BadRecipe("gives.off_minor", "out_of_range")

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return self.off_minor * WHOLE_BP // self.spend_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentOff(Gives):
    """A share off the goods it is about."""

    percent_bp: int = _share()

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return self.percent_bp


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountOff(Gives):
    """An amount off the order once, or off each unit."""

    off_minor: int = _money()
    per: str = _choice("order", "order", "unit")

    @property
    def most_minor(self) -> int | None:
        """Return the amount, where it is taken off once."""
        return self.off_minor if self.per == "order" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnePrice(Gives):
    """一口价: each unit for one price, where it costs more."""

    price_minor: int = _money(least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyGetFree(Gives):
    """买X送Y: who buys so many units gets so many more at a share off (S15)."""

    buy: int = _count()
    get: int = _count(1)
    percent_bp: int = _share(WHOLE_BP)
    #: Sets an order may make; 0 is any number.
    most_times: int = _count(0, least=0)

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return self.percent_bp * self.get // (self.buy + self.get)


@dataclass(frozen=True, slots=True, kw_only=True)
class NthItem(Gives):
    """第N件P折: of every N units the cheapest costs a share of its price."""

    nth: int = _count(2, least=2)
    pays_bp: int = _share(5_000)
    most_times: int = _count(0, least=0)

    def check(self) -> None:
        """Refuse a reduction of nothing."""
        if self.pays_bp >= WHOLE_BP:
            raise BadRecipe("gives.pays_bp", "out_of_range")

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return (WHOLE_BP - self.pays_bp) // self.nth


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapestFree(Gives):
    """Of every N units the cheapest is free."""

    of: int = _count(3, least=2)
    most_times: int = _count(0, least=0)

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return WHOLE_BP // self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePrice(Gives):
    """任选N件M元: any N units together for one price (S18)."""

    units: int = _count(2, least=2)
    price_minor: int = _money()
    most_times: int = _count(0, least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftWithOrder(Gives):
    """满赠: a gift on top; the first of the SKUs that is in stock (S16, S17)."""

    skus: tuple[str, ...] = _list("names")
    units: int = _count(1, most=100)
    #: As often as the least spend or units hold, at most so many times.
    most_times: int = _count(1)

    def check(self) -> None:
        """Refuse a gift of nothing."""
        if not self.skus:
            raise BadRecipe("gives.skus", "empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeFreight(Gives):
    """Delivery for a share less; usually for nothing (S19)."""

    percent_bp: int = _share(WHOLE_BP)

    @property
    def share_bp(self) -> int:
        """Return nothing: goods keep their prices."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPrice(Gives):
    """A unit price for some: a share off for members, or for a tier (S1)."""

    percent_bp: int = _share()
    group: ClassVar[str] = "unit_price"
    wants_audience: ClassVar[bool] = True

    @property
    def share_bp(self) -> int:
        """Return the largest share it gives away."""
        return self.percent_bp


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashPrice(Gives):
    """秒杀: a unit price for a short time; no other offer on goods follows (S2)."""

    price_minor: int = _money(least=0)
    group: ClassVar[str] = "unit_price"


#: Key of the gallery -> what it gives.
KINDS: dict[str, type[Gives]] = {
    "spend_ladder": SpendLadder,
    "spend_every": SpendEvery,
    "percent": PercentOff,
    "amount": AmountOff,
    "one_price": OnePrice,
    "buy_get": BuyGetFree,
    "nth_item": NthItem,
    "cheapest_free": CheapestFree,
    "bundle": BundlePrice,
    "gift": GiftWithOrder,
    "free_freight": FreeFreight,
    "member_price": MemberPrice,
    "flash_price": FlashPrice,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that makes a promotion of some kind, but its name and its time."""

    kind: str
    gives: Any
    goods: Goods = Goods()
    when: When = When()
    beside: Beside = Beside()

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            BadRecipe: naming the field.
        """
        self.gives.check()
        if self.gives.wants_audience and not self.when.audience:
            raise BadRecipe("when.audience", "empty")
        if self.when.since is not None and self.when.since == self.when.until:
            raise BadRecipe("when.until", "out_of_range")

    @property
    def share_bp(self) -> int | None:
        """Return the largest share of prices it gives away; None where nobody can tell.

        An amount off once is a share of the least that is spent.
        """
        share_bp, most = self.gives.share_bp, self.gives.most_minor
        if share_bp is not None or most is None or not self.when.least_spend_minor:
            return share_bp
        return min(WHOLE_BP, most * WHOLE_BP // self.when.least_spend_minor)

    @property
    def is_plain(self) -> bool:
        """Tell whether it is about all goods, anybody, and any time."""
        return self.goods == Goods() and self.when == When() and self.beside == Beside()
