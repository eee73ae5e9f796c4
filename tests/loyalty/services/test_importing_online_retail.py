"""Points of the real file against its references (net by customer)."""

import json
import os
import time

import pytest
from django.conf import settings
from django.db import connection

from loyalty.models import MemberValue, PointsEntry
from loyalty.services.importing import book_import
from loyalty.services.verification import verify_ledger
from members.models import Member
from orders.services.importing import import_orders
from recommendations.models import BoughtTogether, Popularity
from recommendations.services.learning import learn_from_orders
from tests.cast import NOON
from tests.loyalty.books import account_of

FILE = settings.SHARED_DATA_DIR / "online_retail" / "online_retail.csv.gz"

pytestmark = [pytest.mark.data, pytest.mark.slow]


class Silent:
    def advance(self, *, done, total, message):
        pass


@pytest.mark.django_db(transaction=True)
def test_the_points_of_a_real_year_match_the_money():
    if not FILE.exists():
        assert os.environ.get("CI") != "true", f"{FILE} is missing"
        pytest.skip(f"{FILE} is not here; set REGULARS_DATA")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    import_orders(path=FILE, profile="online-retail", now=NOON, progress=Silent())

    started = time.monotonic()
    done = book_import(source="online-retail", now=NOON)
    booked = time.monotonic()
    learned = learn_from_orders(now=NOON)
    seconds = (booked - started, time.monotonic() - booked)
    print(done, learned, seconds)

    assert verify_ledger().findings == ()
    assert max(seconds) < 60
    references = json.loads(
        (settings.SHARED_DATA_DIR / "references.json").read_text(encoding="utf-8")
    )["online_retail"]
    net_of_no_return = of_customer("12346")
    assert (net_of_no_return.value.net_minor, net_of_no_return.value.orders) == (0, 0)
    assert account_of(net_of_no_return).balance == 0
    assert account_of(net_of_no_return).tier.code == "member"
    small = of_customer("16446")
    assert small.value.net_minor == 290
    assert account_of(small).balance <= 2
    assert account_of(small).tier.code == "member"
    assert MemberValue.objects.count() == 4_372
    for number, net in references["net_value_by_customer_top6"].items():
        assert of_customer(number).value.net_minor == round(net * 100), number
    values = list(MemberValue.objects.values_list("net_minor", flat=True))
    assert sum(values) == round(references["net_with_customer"] * 100)
    assert sum(net < 0 for net in values) == references["net_negative_customers"]
    assert sum(net == 0 for net in values) == references["net_zero_customers"]
    again = book_import(source="online-retail", now=NOON)
    assert (again.orders, again.refunds, again.unmatched_returns) == (0, 0, 0)
    assert PointsEntry.objects.filter(points__gt=0, kind="claw_back").count() == 0
    assert Popularity.objects.filter(product__kind="goods").count() == (
        Popularity.objects.count()
    )
    assert BoughtTogether.objects.filter(both__lt=5).count() == 0


def of_customer(number) -> Member:
    return Member.objects.select_related("value").get(
        source="online-retail", external_id=number
    )
