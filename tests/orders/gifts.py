"""Offers that bring gifts, as orders meet them before anybody stores one."""

from datetime import datetime
from typing import ClassVar

from campaigns.rules.benefits import FreeItem
from campaigns.rules.conditions import Every, Worth
from campaigns.rules.index import Indexed, OfferIndex
from campaigns.rules.promotions import Promotion
from campaigns.services.knowing import KnownOffers, offers_told
from orders.rules.offers import Applied, Gift, Stage

#: Where an order finds them.
SOURCE = "tests.orders.gifts.GiftOffers"


def gift_from(
    threshold_minor: int,
    *skus: str,
    quantity: int = 1,
    source_id: str = "prm_gift",
    **fields,
) -> Promotion:
    """Return an offer: from so much on the first of some SKUs that is in stock."""
    return Promotion(
        source_id=source_id,
        name=f"Gift from {threshold_minor}",
        benefit=FreeItem(tuple(Gift(sku, quantity) for sku in skus)),
        stage=Stage.ORDER,
        conditions=Every((Worth(threshold_minor),)),
        **fields,
    )


class GiftOffers:
    """An offer source that tests fill with promotions."""

    source_kind = "promotion"
    promotions: ClassVar[list[Promotion]] = []

    def offers_for(self, request):
        known = KnownOffers.of(OfferIndex.of(map(Indexed, self.promotions)))
        return offers_told(known=known, request=request), []

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Nothing is counted."""


class GiftOffersBeside(GiftOffers):
    """The same beside real promotions, whose uses are counted."""

    source_kind = "gift"
