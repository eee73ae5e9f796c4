"""The carts of a back-test: priced as today's offers have it, and with the draft."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import get_language

from campaigns.models import Backtest
from campaigns.queries.left_carts import StoredCart, carts_left, stored_carts
from campaigns.queries.quoting import told_of, version_and_coupons
from campaigns.rules.backtesting import Tried
from campaigns.rules.left_carts import LeftCart, replay_cart
from campaigns.rules.needs import SEGMENT, Needs, Told, all_of
from campaigns.services.knowing import KnownOffers, facts_for, offers_told, take_as_told
from campaigns.services.offering import live_offers
from campaigns.services.replaying import Replaying, audiences_of
from orders.rules.offers import PriceRequest
from orders.services.quoting import freight_of

#: Carts a transaction replays.
CHUNK = 200
#: Member prices ask for tier and segments, whatever the offers do.
_OF_PRICES = Needs(audiences=frozenset({"tier:", SEGMENT}))


@dataclass(frozen=True, slots=True)
class CartReplaying:
    """What a back-test replays carts with: made once, for as long as its job runs."""

    tried: Tried
    #: What is live, and what it and the draft ask about buyers, gifts and budgets.
    live: KnownOffers
    needs: Needs
    #: Gifts and budgets as they stand today.
    told: Told
    zone: ZoneInfo

    @classmethod
    def of(cls, backtest: Backtest, replaying: Replaying) -> "CartReplaying":
        """Look once at what is live today, and at what that wants to know."""
        version, _told, _coupons = version_and_coupons(
            member_id=None, codes=(), at=backtest.until
        )
        live = live_offers(version, language=get_language())
        needs = all_of([replaying.needs, _OF_PRICES, *live.needs.values()])
        shop = Needs(gifts=needs.gifts, budgets=needs.budgets)
        told = told_of(member_id=None, order_id=None, needs=shop)
        return cls(replaying.tried, live, needs, told, replaying.zone)

    def left_cart(self, stored: StoredCart) -> LeftCart:
        """Return a cart as it was left, with the offers that may lower it."""
        contents = stored.contents
        request = PriceRequest(
            lines=tuple(
                item.priced_at(position)
                for position, item in enumerate(contents.items, start=1)
            ),
            currency=settings.SHOP_CURRENCY,
            now=stored.updated_at,
            member_id=stored.member_id,
            channel_code=contents.channel_code,
            audiences=audiences_of(stored),
            province=contents.province,
            freight=contents.freight,
        )
        take_as_told(request, told=self._told_of(stored))
        return LeftCart(
            day=stored.updated_at.astimezone(self.zone).date(),
            request=request,
            facts=facts_for(request, needs=self.needs),
            offers=tuple(offers_told(known=self.live, request=request)),
            freight=freight_of(request),
        )

    def _told_of(self, stored: StoredCart) -> Told:
        """Return all that anybody asks, so that nobody asks the database."""
        return replace(
            self.told,
            needs=replace(self.told.needs, orders=True, segments=True),
            orders_before=stored.orders_before,
            last_order_at=stored.last_order_at,
            segments=frozenset(stored.segments),
        )


def count_carts(backtest: Backtest) -> int:
    """Return how many carts a back-test looks at."""
    return _carts(backtest).count()


def replay_carts(
    *, backtest_id: int, after: tuple[str, int] | None, replaying: CartReplaying
) -> tuple[int, tuple[str, int] | None]:
    """Replay the next carts, inside the caller's transaction; see ``replay_chunk``.

    They come after all orders: when none is left, the back-test is done.
    """
    backtest = Backtest.objects.select_for_update(no_key=True).get(pk=backtest_id)
    since = after and (datetime.fromisoformat(after[0]), after[1])
    stored = stored_carts(
        _carts(backtest), after=since, count=CHUNK, needs=replaying.needs
    )
    if not stored:
        backtest.is_done = True
        backtest.save(update_fields=["is_done"])
        return 0, after
    totals = backtest.cart_totals
    for each in stored:
        totals.add(replay_cart(replaying.left_cart(each), replaying.tried))
    backtest.carts = totals.as_json()
    backtest.save(update_fields=["carts"])
    last = stored[-1]
    return len(stored), (last.updated_at.astimezone(UTC).isoformat(), last.pk)


def _carts(backtest: Backtest) -> Any:
    return carts_left(since=backtest.since, until=backtest.until)
