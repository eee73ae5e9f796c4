"""A merge commits while somebody waits for the account that goes (P28)."""

import threading
from functools import partial

import pytest
from django.db import connection, transaction

from loyalty.models import PointsAccount, PointsEntry
from loyalty.services.adjusting import grant_points
from loyalty.services.event_points import Happening, grant_for_event
from loyalty.services.holding import capture_hold, hold_points, release_hold
from members.services.merging import merge_members
from tests.cast import NOON, make_member
from tests.loyalty.books import account_of, assert_sound, rule

pytestmark = pytest.mark.django_db(transaction=True)

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def give(member, source, points=100):
    return grant_points(
        member_id=member.pk,
        points=points,
        reason="race",
        actor="test",
        source=source,
        now=NOON,
    )


def while_merging(loser, winner, call):
    """Return what ``call`` gave that waited for the merge of ``loser`` to commit."""
    told = []

    def other():
        try:
            told.append(call())
        finally:
            connection.close()

    with transaction.atomic():
        merge_members(
            loser_id=loser.pk, winner_id=winner.pk, actor="test", reason="x", now=NOON
        )
        thread = threading.Thread(target=other)
        thread.start()
        with connection.cursor() as cursor:
            waiting = 0
            while not waiting and thread.is_alive():
                cursor.execute("SELECT pg_sleep(0.02)")
                cursor.execute(WAITS)
                (waiting,) = cursor.fetchone()
    thread.join()
    return told


@pytest.fixture
def pair():
    winner, loser = make_member(981), make_member(982)
    give(loser, "test:start")
    hold_points(member_id=loser.pk, points=60, source="hold:1", now=NOON)
    return loser, winner


@pytest.mark.parametrize(
    ("verb", "balance", "held"),
    [
        (partial(release_hold, source="hold:1", now=NOON), 100, 0),
        (partial(capture_hold, source="hold:1", now=NOON), 40, 0),
    ],
    ids=["release", "capture"],
)
def test_p28_a_hold_that_waits_for_a_merge_goes_with_it(pair, verb, balance, held):
    loser, winner = pair
    assert len(while_merging(loser, winner, verb)) == 1
    account = account_of(winner)
    assert (account.balance, account.held) == (balance, held)
    assert PointsAccount.objects.get(pk=loser.pk).balance == 0
    assert_sound()


def test_p28_points_that_wait_for_a_merge_go_to_who_stays(pair):
    loser, winner = pair
    (entry,) = while_merging(loser, winner, partial(give, loser, "test:2", 7))
    assert (entry.account_id, account_of(winner).balance) == (winner.pk, 107)
    assert PointsAccount.objects.get(pk=loser.pk).balance == 0
    assert_sound()


def test_p28_an_event_that_waits_for_a_merge_leaves_nothing_behind(pair):
    loser, winner = pair
    rule("share", occasion="share", points=5)
    share = partial(
        grant_for_event,
        occasion="share",
        happening=Happening(loser.pk, "share:1"),
        now=NOON,
    )
    assert while_merging(loser, winner, share) == [None], "as news after the merge"
    assert not PointsEntry.objects.filter(source="share:1").exists()
    assert_sound()
