"""What is kept after a partial return, priced with the offers of that day (R6).

Plain Python. The offers come from the terms stored with the order, never from today's;
what keeps its share whatever comes back stays as it was allocated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crm.shared.money import cumulative_share
from orders.rules.lines import PriceLine, StageLine
from orders.rules.offers import Offer, PriceRequest, Reduction, Refused, Stage
from orders.rules.pricing import price_cart


@dataclass(frozen=True, slots=True)
class StoredOffer:
    """An offer of an order as it was stored; ``terms`` are its source's own."""

    stage: int
    source_kind: str
    source_id: str
    name: str
    terms: Mapping[str, Any]
    is_repriced: bool
    #: Position -> what it took off that line.
    shares: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class KeptShare(Offer):
    """What an offer that is not priced again takes off one kept line."""

    stage: Stage
    source_kind: str
    source_id: str
    name: str
    position: int
    amount_minor: int
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take the stored share."""
        return Reduction(self.amount_minor, (self.position,))


def kept_shares(
    offer: StoredOffer, bought: Mapping[int, int], kept: Mapping[int, int]
) -> list[KeptShare]:
    """Return what a stored offer still takes off the units that are kept.

    Args:
        bought: position -> units of the order.
        kept: position -> units that stay, at least 1.
    """
    return [
        KeptShare(
            stage=Stage(offer.stage),
            source_kind=offer.source_kind,
            source_id=f"{offer.source_id}:{position}",
            name=offer.name,
            position=position,
            amount_minor=cumulative_share(amount, kept[position], bought[position]),
        )
        for position, amount in sorted(offer.shares.items())
        if position in kept
    ]


def reprice_loss(
    lines: Iterable[PriceLine],
    kept: Mapping[int, int],
    offers: Iterable[Offer],
    *,
    kept_net_minor: int,
    at: datetime,
) -> int:
    """Return how much more the kept units cost alone than was allocated to them (R6).

    Never negative: a return makes nothing cheaper that was bought.

    Args:
        lines: the order's lines with their units and prices of that day.
        kept: position -> units that stay, at least 1.
        kept_net_minor: what the stored shares say they cost.
        at: when the order was placed.
    """
    stay = tuple(
        replace(line, quantity=kept[line.position])
        for line in lines
        if line.position in kept
    )
    quote = price_cart(PriceRequest(lines=stay, currency="", now=at), offers)
    alone = quote.goods_minor - quote.discount_minor
    return max(0, alone - kept_net_minor)
