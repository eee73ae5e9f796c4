"""Promotions compiled once per version: whoever changes one changes the version."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils.translation import override

from campaigns.models import Promotion, PromotionVersion
from campaigns.offers import PromotionOffers
from campaigns.services.holding import PromotionUsedUp, take_promotion_use
from orders.rules.offers import PriceRequest
from orders.rules.quotes import FarOffers
from tests.cast import NOON
from tests.orders.shop import line


def version():
    return PromotionVersion.objects.get().version


def live(name: str = "A", **fields) -> Promotion:
    return Promotion.objects.create(
        name=name,
        state=Promotion.State.LIVE,
        rungs=[[1000, 100]],
        starts_at=fields.pop("starts_at", NOON),
        **fields,
    )


def offered(at=NOON) -> list[str]:
    asked = PriceRequest(lines=(line(1, 1000),), currency="CNY", now=at)
    found, _refused = PromotionOffers().offers_for(asked)
    return [offer.name for offer in found if not isinstance(offer, FarOffers)]


def test_every_way_to_change_a_promotion_changes_the_version(db):
    seen = [version()]
    promotion = live()
    seen.append(version())
    promotion.name = "B"
    promotion.save()
    seen.append(version())
    Promotion.objects.update(priority=5)
    seen.append(version())
    promotion.delete()
    seen.append(version())
    assert len(set(seen)) == 5


def test_writing_the_same_again_changes_nothing(db):
    promotion = live()
    before = version()
    promotion.save()
    assert version() == before


def test_counting_a_use_leaves_the_version_until_the_last_one(db):
    promotion = live(limit_total=2)
    before = version()
    assert offered() == ["A"]
    take_promotion_use(promotion=promotion.public_id)
    assert (version(), offered()) == (before, ["A"])
    take_promotion_use(promotion=promotion.public_id)
    used_up = version()
    assert used_up != before
    assert offered() == []
    with pytest.raises(PromotionUsedUp), transaction.atomic():
        take_promotion_use(promotion=promotion.public_id)
    Promotion.objects.update(used=1)
    assert version() != used_up
    assert offered() == ["A"], "a use came back"


def test_a_change_that_is_taken_back_leaves_no_trace(db):
    live()
    before, names = version(), offered()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Promotion.objects.update(name="Never")
        assert offered() == ["Never"]
        raise ZeroDivisionError
    assert (version(), offered()) == (before, names)
    Promotion.objects.update(name="B")
    assert offered() == ["B"]


def test_time_passes_without_a_new_version(db):
    live("now", ends_at=NOON + timedelta(hours=2))
    live("soon", starts_at=NOON + timedelta(hours=1))
    live("paused").delete()
    before = version()
    assert offered() == ["now"]
    assert offered(NOON + timedelta(hours=1)) == ["now", "soon"]
    assert offered(NOON + timedelta(hours=2)) == ["soon"]
    assert version() == before


def test_each_reader_gets_the_names_of_their_language(db):
    live("满减", name_en="Spend and save")
    assert offered() == ["Spend and save"]
    with override("zh-hans"):
        assert offered() == ["满减"]
