import threading
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection

from crm.shared.allowances import (
    Rate,
    TooOften,
    forget_old_allowances,
    give_back,
    spend,
)
from crm.shared.models import Allowance, CacheEntry
from tests.cast import NOON

HOUR = Rate("test.hour", 3, timedelta(hours=1))
DAY = Rate("test.day", 4, timedelta(days=1))


def tries(now, *wanted):
    try:
        spend(wanted or [(HOUR, "a")], now=now)
    except TooOften as refusal:
        return refusal.params["seconds"]
    return "ok"


def test_so_many_in_so_long_and_no_more(db):
    assert [tries(NOON + timedelta(minutes=n)) for n in range(4)] == [
        *("ok", "ok", "ok"),
        57 * 60,
    ]
    assert tries(NOON + timedelta(minutes=59, seconds=59)) == 1
    assert tries(NOON + timedelta(hours=1)) == "ok"
    assert Allowance.objects.get().used == 1


def test_everybody_has_their_own(db):
    assert [tries(NOON) for _n in range(4)][-1] == 3600
    assert tries(NOON, (HOUR, "b")) == "ok"
    assert tries(NOON, (DAY, "a")) == "ok"


def test_all_are_spent_or_none(db):
    both = [(HOUR, "a"), (DAY, "a")]
    for hour in range(4):
        assert tries(NOON + timedelta(hours=hour), *both) == "ok"
    later = NOON + timedelta(hours=5)
    assert tries(later, *both) == 19 * 3600
    # The hour was not spent on a try that the day refused.
    assert [tries(later) for _n in range(4)] == ["ok", "ok", "ok", 3600]


def test_what_is_given_back_may_be_spent_again(db):
    for _n in range(3):
        tries(NOON)
    give_back([(HOUR, "a")], now=NOON)
    assert [tries(NOON), tries(NOON)] == ["ok", 3600]


def test_nothing_is_given_back_that_was_not_spent(db):
    give_back([(HOUR, "a")], now=NOON)
    for _n in range(2):
        give_back([(HOUR, "a")], now=NOON)
    assert [tries(NOON) for _n in range(4)] == ["ok", "ok", "ok", 3600]


def test_the_table_names_nobody_and_is_swept(db):
    spend([(HOUR, "+8613800007788"), (DAY, "x")], now=NOON)
    assert all(b"1380" not in bytes(row.mark) for row in Allowance.objects.all())
    assert forget_old_allowances(now=NOON + timedelta(hours=1)) == 1
    assert forget_old_allowances(now=NOON + timedelta(days=1)) == 1


def test_a_refusal_says_when_to_come_back():
    refusal = TooOften(seconds=17)
    assert refusal.headers == {"Retry-After": "17"}
    assert "17" in str(refusal)


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_three_pass():
    outcomes = []
    start = threading.Barrier(20)

    def attempt():
        try:
            start.wait()
            outcomes.append(tries(NOON) == "ok")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 3
    assert Allowance.objects.get().used == 3


def test_the_cache_stands_in_the_database_under_hidden_keys(db):
    assert cache.add("user=17&code=123456&ip=203.0.113.7", "y", timeout=30)
    assert not cache.add("user=17&code=123456&ip=203.0.113.7", "y", timeout=30)
    (entry,) = CacheEntry.objects.all()
    assert "123456" not in entry.cache_key
    assert "203.0.113.7" not in entry.cache_key
