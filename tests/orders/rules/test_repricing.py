"""Keep or re-price: the example of R6, and that nothing of today plays a part."""

from campaigns.rules.coupons import CouponOffer, Terms
from campaigns.rules.promotions import SpendAndSave
from orders.rules.offers import Stage
from orders.rules.repricing import StoredOffer, kept_shares, reprice_loss
from tests.cast import NOON
from tests.orders.shop import line


def ten_percent() -> CouponOffer:
    """10 % from 300.00."""
    return CouponOffer(
        "cpn", "Ten", Terms(kind="percent", percent_bp=1000, min_spend_minor=30_000)
    )


def loss(kept: int) -> int:
    """Return what keeping so many of six units at 50.00, 10 % off, costs more."""
    return reprice_loss(
        [line(1, 5_000, 6)],
        {1: kept},
        [ten_percent()],
        kept_net_minor=4_500 * kept,
        at=NOON,
    )


def test_r6_six_of_fifty_five_returned():
    assert loss(1) == 500  # 225.00 less 5.00 is 220.00
    assert 5 * 4_500 - loss(1) == 22_000


def test_r6_nothing_is_lost_while_the_offer_still_holds():
    cheap = [SpendAndSave("prm", "Ten", ((5_000, 500),))]
    assert (
        reprice_loss([line(1, 5_000, 2)], {1: 1}, cheap, kept_net_minor=4_750, at=NOON)
        == 0
    )


def test_r6_an_offer_that_keeps_its_share_takes_it_off_what_is_kept():
    stored = StoredOffer(
        stage=Stage.ORDER,
        source_kind="promotion",
        source_id="prm",
        name="Ten",
        terms={},
        is_repriced=False,
        shares={1: 600, 2: 90},
    )
    parts = kept_shares(stored, {1: 6, 2: 1}, {1: 1})
    assert [(part.position, part.amount_minor) for part in parts] == [(1, 100)]
    assert (
        reprice_loss([line(1, 5_000, 6)], {1: 1}, parts, kept_net_minor=4_900, at=NOON)
        == 0
    )
