"""One list of audiences, for prices, promotions, rewards and benefits alike."""

import pytest

from campaigns.admin.promotion_fields import _CHOICES
from campaigns.admin.promotion_trial import buyers
from campaigns.models import Segment
from campaigns.promotion_words import audience_name
from loyalty.models import Plan
from orders.admin.catalogue_prices import audience_choices
from orders.queries.audiences import known_audiences

MARKS = {"tier:gold", "plan:tea", "segment:silent"}


@pytest.fixture(autouse=True)
def audiences(db):
    """Write a plan and a segment beside the tiers there are."""
    Plan.objects.create(code="tea", name="茶会")
    Segment.objects.create(code="silent", name="沉睡")


def test_tiers_plans_and_segments_may_be_chosen_everywhere():
    for choices in (
        known_audiences(),
        audience_choices(),
        _CHOICES["when.audience"](),
        buyers(),
    ):
        assert set(dict(choices)) >= MARKS


def test_each_has_words():
    said = [audience_name(mark) for mark in sorted(MARKS)]
    assert said == ["plan tea", "segment silent", "tier gold"]
