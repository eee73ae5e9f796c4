"""The page of a promotion: what it took, and when it will be gone (1.8)."""

from datetime import timedelta

import pytest

from campaigns.models import Budget, Coupon
from campaigns.services.issuing import issue_coupon
from campaigns.services.publishing import pause_promotion
from tests.campaigns.admin.test_promotion import live, url
from tests.campaigns.recipes import use
from tests.cast import NOON

DAY = timedelta(days=1)
TODAY = NOON.date()


@pytest.fixture
def burn(staff, monkeypatch):
    """Return a function ``(promotion, days later) -> what its page says``."""
    client = staff("marketer")

    def read(promotion, later: int = 0):
        moment = NOON + later * DAY
        monkeypatch.setattr("campaigns.admin.promotion.now", lambda: moment)
        page = client.get(url("campaigns_promotion_change", promotion))
        return page.context["burn"]

    return read


def test_1_8_a_slow_start_with_much_left_shows_the_page(dana, burn):
    made = live(dana, limit_total=1_000_000)
    use(made, "SO1")
    assert burn(made, later=3)["uses_end"] is None


def test_1_8_days_before_it_began_do_not_slow_its_pace(dana, burn):
    made = live(dana, limit_total=40)
    for number in range(10):
        use(made, f"SO{number}")
    # One full day, ten uses; 30 are left.
    assert burn(made, later=1)["uses_end"] == TODAY + 4 * DAY


def test_1_8_all_uses_in_its_first_hour_count_as_a_day(dana, burn):
    made = live(dana, limit_total=40)
    assert burn(made)["uses_end"] is None
    for number in range(10):
        use(made, f"SO{number}")
    assert burn(made)["uses_end"] == TODAY + 3 * DAY


def test_1_8_what_is_off_or_ends_before_is_not_projected(dana, burn):
    made = live(dana, limit_total=40, ends_at=NOON + 3 * DAY)
    use(made, "SO1")
    assert burn(made)["uses_end"] is None, "it ends with some left"
    again = live(dana, limit_total=40)
    use(again, "SO2")
    how = {"promotion_id": again.pk, "reason": "x", "actor": dana, "now": NOON}
    pause_promotion(**how)
    assert burn(again)["uses_end"] is None


def test_1_8_a_budget_goes_by_all_that_spend_it(dana, burn, alice, template):
    budget = Budget.objects.create(name="B", amount_minor=10_000)
    made, other = (live(dana, budget_id=budget.pk) for _one in range(2))
    use(made, "SO1", amount_minor=100)
    order = use(other, "SO2", amount_minor=900)
    coupon = issue_coupon(
        template_id=template.pk, member_id=alice.pk, source="x", now=NOON
    )
    Coupon.objects.filter(pk=coupon.pk).update(
        state="used", order=order, used_at=NOON, budget=budget, discount_minor=1_000
    )
    Budget.objects.filter(pk=budget.pk).update(spent_minor=1_000)
    Budget.objects.filter(pk=budget.pk).update(reserved_minor=1_000)
    # 20.00 on the one full day; 80.00 are left.
    assert burn(made, later=1)["money_end"] == TODAY + 5 * DAY


def test_1_8_more_budget_midway_lasts_longer(dana, burn):
    budget = Budget.objects.create(name="B", amount_minor=10_000)
    made = live(dana, budget_id=budget.pk)
    use(made, "SO1", amount_minor=5_000)
    assert burn(made, later=1)["money_end"] == TODAY + 2 * DAY
    Budget.objects.update(amount_minor=20_000)
    assert burn(made, later=1)["money_end"] == TODAY + 4 * DAY
