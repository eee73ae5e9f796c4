"""Files go on naming a customer by the number of a member who was merged."""

import pytest

from members.models import Member
from members.services.merging import merge_members
from orders.models import Order, Refund
from tests.cast import make_member
from tests.orders.importing.conftest import NOW, row

pytestmark = pytest.mark.django_db(transaction=True)


def test_later_orders_and_returns_reach_who_stayed(bring_in):
    bring_in([row("1", "A", 5, "1.00")])
    loser, winner = Member.objects.get(external_id="17850"), make_member(1)
    merge_members(
        winner_id=winner.pk, loser_id=loser.pk, reason="one", actor="tests", now=NOW
    )

    bring_in(
        [
            row("2", "A", 1, "1.00", at="2011-02-10 10:00:00"),
            row("C3", "A", -2, "1.00", at="2011-02-11 10:00:00"),
        ],
        name="later.csv",
    )

    assert Order.objects.filter(member=winner).count() == 2
    assert not Order.objects.filter(member=loser).exists()
    assert sum(Refund.objects.values_list("amount_minor", flat=True)) == 200
    assert Member.objects.count() == 2
