from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from crm.shared import clock
from crm.shared.clock import ClockCannotMove, ClockOnlyForward, ClockTooFar
from crm.shared.models import ShopClock

REAL = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # 01:30 on the 21st in Shanghai

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def real_time():
    """Real time stands still; nothing of the offset is remembered."""
    clock.trust(timedelta(0), seconds=0)
    with time_machine.travel(REAL, tick=False):
        yield


def test_tells_real_time_until_it_is_moved():
    assert clock.now() == REAL
    assert clock.now().utcoffset() == timedelta(0)
    assert not ShopClock.objects.exists()


def test_moves_forward_and_adds_up():
    assert clock.advance(timedelta(days=30)) == REAL + timedelta(days=30)
    clock.advance(timedelta(hours=1))
    assert clock.now() == REAL + timedelta(days=30, hours=1)
    assert ShopClock.objects.get().offset == timedelta(days=30, hours=1)


def test_another_process_follows_when_its_trust_ends():
    assert clock.now() == REAL
    ShopClock.objects.create(offset=timedelta(days=1))
    assert clock.now() == REAL
    clock.trust(timedelta(0), seconds=0)
    assert clock.now() == REAL + timedelta(days=1)


def test_asking_often_costs_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        for _ in range(100):
            clock.now()


@pytest.mark.parametrize("delta", [timedelta(0), timedelta(seconds=-1)])
def test_never_moves_back(delta):
    with pytest.raises(ClockOnlyForward):
        clock.advance(delta)
    assert not ShopClock.objects.exists()


def test_never_runs_further_ahead_than_dates_reach():
    clock.advance(timedelta(days=36_525))
    for delta in (timedelta(seconds=1), timedelta(days=999_999_999)):
        with pytest.raises(ClockTooFar):
            clock.advance(delta)
    assert clock.now() == REAL + timedelta(days=36_525)


def test_production_neither_moves_nor_reads(settings, django_assert_num_queries):
    ShopClock.objects.create(offset=timedelta(days=1))
    settings.IS_PRODUCTION = True
    with django_assert_num_queries(0):
        assert clock.now() == REAL
        with pytest.raises(ClockCannotMove):
            clock.advance(timedelta(days=1))
    assert ShopClock.objects.get().offset == timedelta(days=1)


@pytest.mark.parametrize("row", [{"pk": 2}, {"pk": 1, "offset": timedelta(seconds=-1)}])
def test_the_database_keeps_one_row_that_never_runs_behind(row):
    with pytest.raises(IntegrityError), transaction.atomic():
        ShopClock.objects.create(**row)
    assert not ShopClock.objects.exists()


def test_x3_today_is_the_date_in_the_shop(settings):
    assert clock.today() == date(2026, 11, 21)
    settings.SHOP_TIME_ZONE = "America/New_York"
    assert clock.today() == date(2026, 11, 20)
    assert clock.day_bounds(date(2026, 11, 20)) == (
        datetime(2026, 11, 20, 5, tzinfo=UTC),
        datetime(2026, 11, 21, 5, tzinfo=UTC),
    )
