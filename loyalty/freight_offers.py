"""Free deliveries by a benefit: used and counted with an order (X5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from loyalty.queries.free_freight import FreeDeliveries, free_deliveries
from loyalty.queries.program import purse_for
from loyalty.services.using_benefits import use_benefit
from orders.models import Order, Product
from orders.rules.lines import FREIGHT_KIND, StageLine
from orders.rules.offers import Applied, Offer, PriceRequest, Reduction, Refused, Stage
from orders.services.quoting import freight_of

KIND = "benefit"


@dataclass(frozen=True, slots=True)
class FreeDeliveryOffer(Offer):
    """One free delivery of a member: it takes what other offers left of the freight.

    Where delivery costs nothing any more no use is spent.
    """

    code: str
    source_id: str
    name: str
    #: Uses left before this one; None is as often as wanted.
    left: int | None
    #: The last day of the period, as ISO 8601.
    until: str
    #: Its place among the free deliveries of the member.
    rank: int
    source_kind: str = KIND
    stage: Stage = Stage.FREIGHT
    priority: int = 0
    exclusive_group: str = ""
    #: After every other offer on freight.
    lane: int = 1

    @classmethod
    def of(cls, held: FreeDeliveries, *, rank: int) -> "FreeDeliveryOffer":
        """Return the offer that a benefit makes."""
        until = held.span.ends_on.isoformat()
        return cls(held.code, held.public_id, held.name, held.left, until, rank)

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take all that delivery costs, unless there is nothing to take or to use."""
        charged = [
            each
            for each in lines
            if each.line.kind == FREIGHT_KIND and each.left_minor > 0
        ]
        if not charged:
            return Refused("no_effect")
        if self.left == 0:
            return Refused("benefit_used_up", {"until": self.until})
        return Reduction(
            amount_minor=sum(each.left_minor for each in charged),
            positions=tuple(each.line.position for each in charged),
            trace={"left": self.left, "until": self.until},
        )

    def terms(self) -> dict[str, Any]:
        """Return which benefit it was."""
        return {"code": self.code}


class FreeDeliveryOffers:
    """The free deliveries of whoever buys."""

    source_kind: ClassVar[str] = KIND

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return what the buyer has; nothing is read where delivery is free anyway."""
        if request.member_id is None or not _may_cost(request):
            return [], []
        found = free_deliveries(
            purse_for(request), member_id=request.member_id, at=request.now
        )
        offers = [
            FreeDeliveryOffer.of(each, rank=rank) for rank, each in enumerate(found)
        ]
        return offers, []

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Count the use against the quota; it comes back with a cancelled order.

        Raises:
            BenefitUsedUp, BenefitNotHeld: it is gone since it was quoted.
        """
        order = Order.objects.only("public_id", "member_id").get(pk=order_id)
        assert order.member_id is not None
        use_benefit(
            benefit=applied.terms["code"],
            member_id=order.member_id,
            source=f"order:{order.public_id}",
            saved_minor=applied.amount_minor,
            now=now,
        )


def _may_cost(request: PriceRequest) -> bool:
    """Whether delivery may be charged, as far as it is known without asking."""
    if request.charges:
        return True
    if all(line.kind != Product.Kind.GOODS for line in request.lines):
        return False
    if request.freight is None:
        return True
    rule = freight_of(request)
    return bool(rule.fee_minor or rule.step_minor)
