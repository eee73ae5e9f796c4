"""Orders of the past made ready to be priced again: lines, buyer, and their offers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.module_loading import import_string

from campaigns.models import Backtest
from campaigns.queries.backtests import StoredOrder
from campaigns.queries.left_carts import StoredCart
from campaigns.queries.quoting import told_of
from campaigns.rules.backtesting import KeptAmount, PastOrder, Shares, Tried
from campaigns.rules.conditions import Facts
from campaigns.rules.needs import NOTHING, Needs, needs_of
from campaigns.rules.recipes import BadRecipe
from campaigns.rules.recipes_making import Meta, most_units, offer_of
from campaigns.rules.recipes_reading import read
from campaigns.services.drafting import RecipeInvalid
from crm import wiring
from orders.models import AppliedOffer
from orders.rules.baskets import delivery_charge
from orders.rules.gifts import GiftArticle
from orders.rules.offers import Offer, PriceRequest, Stage
from orders.rules.prices import ANY_MEMBER
from orders.rules.repricing import StoredOffer

#: Where the charge for delivery stands: in front of all lines.
_DELIVERY = -1
#: Offers of the past that are kept made, by their terms.
_MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Replaying:
    """What a back-test replays orders with: made once, for as long as its job runs."""

    tried: Tried
    #: What it asks about buyers and gifts.
    needs: Needs
    articles: Mapping[str, GiftArticle]
    zone: ZoneInfo
    _made: dict[Any, Offer | None] = field(default_factory=dict)

    @classmethod
    def of(cls, backtest: Backtest) -> "Replaying":
        """Make the offer that is tried, and look up the gifts it may bring.

        Raises:
            RecipeInvalid: what was a recipe when it was asked for is none any more.
        """
        try:
            recipe = read(backtest.kind, backtest.recipe)
        except BadRecipe as error:
            raise RecipeInvalid from error
        zone = ZoneInfo(settings.SHOP_TIME_ZONE)
        offer = offer_of(recipe, _meta_of(backtest, zone))
        needs = needs_of(offer) or NOTHING
        articles: Mapping[str, GiftArticle] = {}
        if needs.gifts:
            asked = Needs(gifts=needs.gifts)
            articles = told_of(member_id=None, order_id=None, needs=asked).articles
        return cls(Tried(offer), needs, articles, zone)

    def past_order(self, stored: StoredOrder) -> PastOrder:
        """Return an order with the offers of its day, made from their terms."""
        taken = {
            **{key: sum(part for _at, part in of) for key, of in stored.shares.items()},
            **{(o.source_kind, o.source_id): o.amount_minor for o in stored.offers},
        }
        # What was taken off delivery is what was not taken off goods.
        goods = sum(part for of in stored.shares.values() for _at, part in of)
        off_freight = max(0, sum(taken.values()) - goods)
        charge = stored.freight_minor + off_freight
        charges = (delivery_charge(charge, position=_DELIVERY),) if charge else ()
        audiences = audiences_of(stored)
        return PastOrder(
            public_id=stored.public_id,
            day=stored.placed_at.astimezone(self.zone).date(),
            request=PriceRequest(
                lines=stored.lines,
                currency=stored.currency,
                now=stored.placed_at,
                channel_code=stored.channel_code,
                audiences=audiences,
                charges=charges,
            ),
            facts=Facts(
                now=stored.placed_at,
                channel=stored.channel_code,
                groups=audiences,
                marks=audiences,
                is_known=stored.member_id is not None,
                orders_before=stored.orders_before,
                last_order_at=stored.last_order_at,
                # What the catalogue knows is taken to be there, the rest is not.
                stock=dict.fromkeys(self.needs.gifts - self.articles.keys(), 0),
                articles=self.articles,
            ),
            offers=tuple(self._offers_of(stored)),
            total_minor=stored.total_minor,
            taken=taken,
            gift_costs=stored.gift_costs,
        )

    def _offers_of(self, stored: StoredOrder) -> list[Offer]:
        known = {(row.source_kind, row.source_id) for row in stored.offers}
        # Of some nothing is known but what they took: that stays, behind all others.
        bare = [
            AppliedOffer(
                stage=Stage.POINTS,
                source_kind=key[0],
                source_id=key[1],
                source_name=stored.names[key],
                amount_minor=sum(part for _at, part in shares),
            )
            for key, shares in stored.shares.items()
            if key not in known
        ]
        return [self._offer_of(row, stored) for row in (*stored.offers, *bare)]

    def _offer_of(self, row: AppliedOffer, stored: StoredOrder) -> Offer:
        """Return an offer as it was; where nobody can, what it took."""
        shares = stored.shares.get((row.source_kind, row.source_id), ())
        offer = self._made_of(row, shares)
        if offer is not None:
            return offer
        off_freight = row.amount_minor - sum(part for _at, part in shares)
        if off_freight > 0:
            shares = ((_DELIVERY, off_freight), *shares)
        return KeptAmount(
            stage=Stage(row.stage),
            source_kind=row.source_kind,
            source_id=row.source_id,
            name=row.source_name,
            shares=tuple(shares),
        )

    def _made_of(self, row: AppliedOffer, shares: Shares) -> Offer | None:
        path = wiring.STORED_OFFERS.get(row.source_kind)
        if path is None or not row.terms:
            return None
        terms = json.dumps(row.terms, sort_keys=True)
        made: tuple[Any, ...] = (row.source_kind, row.source_id, row.source_name, terms)
        if made not in self._made:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            stored = StoredOffer(
                stage=row.stage,
                source_kind=row.source_kind,
                source_id=row.source_id,
                name=row.source_name,
                terms=row.terms,
                is_repriced=True,
                shares=dict(shares),
            )
            self._made[made] = import_string(path)(stored)
        return self._made[made]


def audiences_of(stored: StoredOrder | StoredCart) -> frozenset[str]:
    """Return what the buyer belonged to."""
    if stored.member_id is None:
        return frozenset()
    tier = {f"tier:{stored.tier_code}"} if stored.tier_code else set()
    return frozenset({ANY_MEMBER, *tier, *stored.segments})


def _meta_of(backtest: Backtest, zone: ZoneInfo) -> Meta:
    """Return the place of what is tried among other offers, as it was asked for."""
    terms = backtest.terms
    return Meta(
        source_id=backtest.promotion.public_id,
        name=terms["name"],
        priority=terms["priority"],
        exclusive_group=terms["exclusive_group"],
        starts_at=datetime.fromisoformat(terms["starts_at"]),
        budget_minor=backtest.budget_minor,
        units_left=most_units(
            terms.get("limit_units"), terms.get("limit_member_units")
        ),
        zone=zone,
    )
