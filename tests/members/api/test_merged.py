"""The login of a merged member opens the membership of who stayed."""

import pytest

from crm.console.queries.members import find_members
from members.models import Member
from members.queries import email_is, member_matches, standing_id
from members.services.unmerging import undo_merge
from tests.cast import NOON
from tests.members.api.signing_in import ADDRESS, PASSWORD, log_in
from tests.members.services.test_merging import give, merge

ME = "/api/storefront/v1/me"
POINTS = "/api/storefront/v1/me/points"


@pytest.fixture
def merged(jing, eve):
    """Merge Wang Jing into Eve."""
    winner = Member.objects.get(email_is("eve@example.com"))
    loser = Member.objects.get(email_is(ADDRESS))
    give(loser, 70)
    return merge(winner, loser)


def test_both_logins_open_the_one_membership(jing, eve, merged):
    assert jing.get(ME).json() == eve.get(ME).json()
    assert jing.get(ME).json()["number"] == merged.winner.number
    assert jing.patch(ME, {"region": "上海"}, format="json").status_code == 200
    assert eve.get(ME).json()["region"] == "上海"


def test_signing_in_anew_with_the_old_address_says_who_it_is(merged):
    answer = log_in(email=ADDRESS, password=PASSWORD)
    assert answer.status_code == 200
    shown = answer.json()["data"]["user"]
    assert (shown["id"], shown["display"]) == (
        merged.winner.public_id,
        merged.winner.number,
    )


def test_after_undoing_each_login_opens_its_own(jing, eve, merged):
    undo_merge(merge_id=merged.pk, reason="two", actor="tests", now=NOON)
    assert jing.get(ME).json()["number"] == merged.loser.number
    assert eve.get(ME).json()["number"] == merged.winner.number


def test_what_was_the_losers_finds_who_stayed(merged):
    loser, winner = merged.loser, merged.winner
    assert standing_id(loser.pk) == standing_id(winner.pk) == winner.pk
    for text in (loser.number, loser.number.lower(), ADDRESS):
        assert list(find_members(text)) == [winner]
        assert list(Member.objects.filter(member_matches(text))) == [winner]
    assert list(find_members(loser.public_id)) == [winner]
    assert list(find_members(winner.number)) == [winner]
