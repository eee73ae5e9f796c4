"""The socket for everything that lowers a price. Plain Python.

Apps above plug in through ``crm.wiring.OFFER_SOURCES``. A source looks its offers
up and later claims what was applied.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from orders.rules.offers import Applied, Offer, PriceRequest, Refused


class OfferSource(Protocol):
    """One entry of ``OFFER_SOURCES``: finds offers, and claims what was applied.

    A source answers only for its own ``source_kind``. One is made for each quote. It
    may have:

    - ``audiences(request) -> frozenset[str]``: what the buyer belongs to, such as
      ``member`` or ``tier:gold``, asked only where prices differ by it, or where its
      ``wants_audiences(request) -> bool`` says that its offers do;
    - ``unit_offers(request) -> Sequence[Sequence[Offer]]``: of each line the offers of
      the first stage that may lower its price where one unit of it is bought alone,
      for price lists (S24); audiences are known by then, where its
      ``units_want_audiences(request) -> bool`` says that those offers differ by them;
    - ``holdings(request) -> Sequence[Holding]``: what the buyer has beside the cart,
      the best first, asked only where a price is explained;
    - ``sought(request, source_ids) -> Mapping[str, SoughtGoods]``: which goods offers
      are about, of those it knows; asked where a cart has none of them;
    - ``reachable(request) -> Sequence[tuple[str, str]]``: audiences the buyer may come
      to belong to, the nearest first, with the name of each; asked as seldom.
    """

    source_kind: str

    def offers_for(
        self, request: PriceRequest
    ) -> tuple[Sequence[Offer], Sequence[tuple[str, str, Refused]]]:
        """Return the offers to try, and those refused at once.

        The refused are ``(source_id or code, name, Refused)``, for example a coupon
        code nobody knows.
        """
        ...

    def claim(self, applied: Applied, *, order_id: int, now: datetime) -> None:
        """Reserve what the order uses, inside the order's transaction.

        Raises:
            Refusal: it is gone (used up, spent, expired); the order is not placed.
        """
        ...
