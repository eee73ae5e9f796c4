"""What points take off a price (P22)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from loyalty.queries.program import Purse, purse_for
from loyalty.queries.rewards import redemption_in
from loyalty.queries.tiers import tiers
from loyalty.rules.points import redemption
from loyalty.rules.rewards import AGREED
from loyalty.services.holding import hold_points
from orders.models import Order, Product
from orders.rules.lines import FREIGHT_KIND, StageLine
from orders.rules.offers import Applied, Offer, PriceRequest, Reduction, Refused, Stage

#: What points pay anywhere.
GOODS_ONLY = frozenset({str(Product.Kind.GOODS)})


@dataclass(frozen=True, slots=True)
class PointsOffer(Offer):
    """So many points of one member, as the program lets them be spent.

    ``kinds`` of lines are all they pay; freight is one, once delivery is charged (P23).
    """

    requested: int
    available: int
    share_bp: int
    step: int
    minor_per_100: int
    name: str
    #: Of one order; 0 is no such bound.
    least: int = 0
    most: int = 0
    kinds: frozenset[str] = GOODS_ONLY
    source_id: str = "points"
    source_kind: str = "points"
    stage: Stage = Stage.POINTS
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Pay goods with points; what else only as the program says (P23)."""
        payable = [
            part
            for part in lines
            if part.line.kind in self.kinds and part.amount_minor > 0
        ]
        paid = redemption(
            requested=self.requested,
            available=self.available,
            payable_minor=sum(part.amount_minor for part in payable),
            share_bp=self.share_bp,
            step=self.step,
            minor_per_100=self.minor_per_100,
            least=self.least,
            most=self.most,
        )
        numbers = {
            "requested": self.requested,
            "available": self.available,
            "step": self.step,
        }
        if paid.points == 0:
            # The fewest that can be spent: whole steps, and the minimum.
            numbers["step"] *= max(1, -(-self.least // self.step))
            return Refused(_WHY_NOT.get(paid.limit, "points_below_step"), numbers)
        return Reduction(
            amount_minor=paid.amount_minor,
            positions=tuple(part.line.position for part in payable),
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


#: What kept points from paying anything -> the reason that is given.
_WHY_NOT = {
    "available": "insufficient_points",
    "share": "points_share_reached",
    "order": "points_below_step",
    "minimum": "points_below_minimum",
}


@dataclass(frozen=True, slots=True)
class RewardOffer(Offer):
    """The points a reward costs besides money: what is left of its line is the money.

    They are agreed, so no share, step or value of points bounds them (P22).
    """

    points: int
    money_minor: int
    name: str
    source_id: str
    source_kind: str = "points"
    stage: Stage = Stage.POINTS
    priority: int = 0
    exclusive_group: str = ""

    def reduce(self, lines: Sequence[StageLine]) -> Reduction | Refused:
        """Take off the line of the reward all that is not paid in money."""
        part = next(each for each in lines if each.line.price_kind == AGREED)
        return Reduction(
            amount_minor=part.left_minor - self.money_minor,
            positions=(part.line.position,),
            points=self.points,
            trace={"points": self.points, "money_minor": self.money_minor},
        )


class PointsOffers:
    """Points the buyer wants to spend, or that a reward in the cart costs."""

    source_kind = "points"

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return one offer when points are to be spent; visitors have none."""
        if any(line.price_kind == AGREED for line in request.lines):
            return _of_reward(request), []
        if request.points_to_spend <= 0 or request.member_id is None:
            return [], []
        held = purse_for(request)
        if held.is_frozen:
            refused = Refused("points_frozen", {})
            return [], [("points", gettext("Points"), refused)]
        return [_offer(request.points_to_spend, held)], []

    def audiences(self, request: PriceRequest) -> frozenset[str]:
        """Return whose prices the buyer gets: those of tier and plan held (T18)."""
        if request.member_id is None:
            return frozenset()
        return purse_for(request).marks

    def reachable(self, request: PriceRequest) -> Sequence[tuple[str, str]]:
        """Return the tiers above the one held, the next first, by mark and name."""
        if request.member_id is None:
            return []
        ladder = [(f"tier:{tier.code}", tier.label) for tier in tiers()]
        held = f"tier:{purse_for(request).tier_code}"
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


def _of_reward(request: PriceRequest) -> list[Offer]:
    if request.member_id is None:
        return []
    row = redemption_in(member_id=request.member_id, order_id=request.order_id)
    if row is None:
        return []
    return [RewardOffer(row.points, row.price_minor, row.label[:160], row.public_id)]


def _offer(requested: int, held: Purse) -> PointsOffer:
    return PointsOffer(
        requested=requested,
        available=held.available,
        share_bp=held.share_bp,
        step=held.step,
        minor_per_100=held.minor_per_100,
        least=held.min_points,
        most=held.max_points,
        name=gettext("Points"),
        kinds=payable_kinds(held),
    )


def payable_kinds(terms: Purse) -> frozenset[str]:
    """Return the kinds of lines that points may pay in this program (P23)."""
    allowed = {
        FREIGHT_KIND: terms.redeems_freight,
        str(Product.Kind.GIFT_CARD): terms.redeems_gift_cards,
        str(Product.Kind.PLAN): terms.redeems_plans,
    }
    return GOODS_ONLY.union(kind for kind, is_allowed in allowed.items() if is_allowed)
