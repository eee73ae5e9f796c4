"""What points take off a price (P22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from loyalty.queries.program import Purse, purse
from loyalty.queries.tiers import tiers
from loyalty.rules.points import redemption
from loyalty.services.holding import hold_points
from orders.models import Order, Product
from orders.rules.offers import (
    Applied,
    Offer,
    PriceRequest,
    Reduction,
    Refused,
    Stage,
    StageLine,
)


@dataclass(frozen=True, slots=True)
class PointsOffer:
    """So many points of one member, as the program lets them be spent."""

    requested: int
    available: int
    share_bp: int
    step: int
    minor_per_100: int
    name: str
    source_id: str = "points"
    source_kind: str = "points"
    stage: Stage = Stage.POINTS
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Pay goods with points; freight and gift cards they cannot pay (P23)."""
        goods = [
            part
            for part in lines
            if part.line.kind == Product.Kind.GOODS and part.amount_minor > 0
        ]
        paid = redemption(
            requested=self.requested,
            available=self.available,
            payable_minor=sum(part.amount_minor for part in goods),
            share_bp=self.share_bp,
            step=self.step,
            minor_per_100=self.minor_per_100,
        )
        numbers = {
            "requested": self.requested,
            "available": self.available,
            "step": self.step,
        }
        if paid.points == 0:
            code = {"available": "insufficient_points", "share": "points_share_reached"}
            return Refused(code.get(paid.limit, "points_below_step"), numbers)
        return Reduction(
            amount_minor=paid.amount_minor,
            positions=tuple(part.line.position for part in goods),
            points=paid.points,
            trace=numbers | {"limit": paid.limit, "share_bp": self.share_bp},
        )

    def terms(self) -> dict[str, int]:
        """Return how points were worth money."""
        return {
            "share_bp": self.share_bp,
            "step": self.step,
            "minor_per_100": self.minor_per_100,
        }


class PointsOffers:
    """Points the buyer wants to spend."""

    source_kind = "points"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return one offer when points are to be spent; visitors have none."""
        if request.points_to_spend <= 0 or request.member_id is None:
            return [], []
        held = _read(request)
        if held.is_frozen:
            refused = Refused("points_frozen", {})
            return [], [("points", gettext("Points"), refused)]
        return [_offer(request.points_to_spend, held)], []

    def audiences(self, request: PriceRequest) -> frozenset[str]:
        """Return whose prices the buyer gets: those of tier and plan held (T18)."""
        if request.member_id is None:
            return frozenset()
        held = _read(request)
        marks = {"tier": held.tier_code, "plan": held.plan_code}
        return frozenset(f"{kind}:{code}" for kind, code in marks.items() if code)

    def reachable(self, request: PriceRequest) -> Sequence[tuple[str, str]]:
        """Return the tiers above the one held, the next first, by mark and name."""
        if request.member_id is None:
            return []
        ladder = [(f"tier:{tier.code}", tier.label) for tier in tiers()]
        held = f"tier:{_read(request).tier_code}"
        place = next((n for n, (mark, _name) in enumerate(ladder) if mark == held), -1)
        return ladder[place + 1 :]

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Reserve the points for the order.

        Raises:
            NotEnoughPoints: they were spent meanwhile.
        """
        order = Order.objects.only("public_id", "member_id").get(pk=order_id)
        hold_points(
            member_id=order.member_id,
            points=applied.points,
            source=f"order:{order.public_id}",
            now=now,
        )


def _read(request: PriceRequest) -> Purse:
    asked = ("loyalty", request.member_id, request.order_id)
    if asked not in request.reads:
        request.reads[asked] = purse(
            member_id=request.member_id, at=request.now, order_id=request.order_id
        )
    return request.reads[asked]


def _offer(requested: int, held: Purse) -> PointsOffer:
    return PointsOffer(
        requested=requested,
        available=held.available,
        share_bp=held.share_bp,
        step=held.step,
        minor_per_100=held.minor_per_100,
        name=gettext("Points"),
    )
