"""Member value in the console: a page of numbers, and words about one member."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crm.console.queries.value_words import value_words
from loyalty.models import MemberScore, ScoreMonth
from loyalty.queries.value import grid_of, segments_of
from tests.cast import NOON

SCORE = {"recency": 5, "frequency": 4, "money": 4, "segment": "champions"}
FORECAST = {
    "alive_bp": 8_765,
    "purchases_90_milli": 800,
    "purchases_365_milli": 3_240,
    "value_365_minor": 123_450,
}


def month_page() -> str:
    month = ScoreMonth.objects.get()
    return reverse("admin:loyalty_scoremonth_change", args=[month.pk.isoformat()])


# --- The page of a month -----------------------------------------------------------


@pytest.mark.parametrize("role", ["analyst", "loyalty manager", "marketer", "auditor"])
def test_who_reads_numbers_opens_the_month(role, shop, signed_in):
    answer = signed_in(role).get(month_page())
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "Too few orders to say: fewer than 100 members came again." in shown
    assert shop["busy"].number not in shown


@pytest.mark.parametrize("role", ["support", "finance"])
def test_others_do_not(role, shop, signed_in):
    assert signed_in(role).get(month_page()).status_code == 403


@pytest.mark.parametrize("wrong", ["2026-13-01", "1999-01-01", "x", "0001-01-01"])
def test_a_month_that_is_not_there_is_not_found(wrong, shop, signed_in):
    url = reverse("admin:loyalty_scoremonth_change", args=[wrong])
    assert signed_in("analyst").get(url).status_code == 404


def test_a_forecast_is_said_with_its_model(shop, signed_in):
    names = ("r", "alpha", "a", "b", "p", "q", "v")
    ScoreMonth.objects.update(
        silence="", model=dict.fromkeys(names, 0.25), expected_minor=1_234_500
    )
    shown = signed_in("analyst").get(month_page()).content.decode()
    assert "These buyers are expected to spend ¥12,345.00." in shown
    assert shown.count("0.2500") == len(names)


def test_cells_and_segments_add_up_to_all_buyers():
    month = ScoreMonth(
        buyers=10, grid=[[5, 5, 1, 7_000], [1, 1, 8, 2_000], [1, 2, 1, 1]]
    )
    rows = grid_of(month)
    assert [row.recency for row in rows] == [5, 4, 3, 2, 1]
    assert (rows[0].cells[4].buyers, rows[0].cells[4].net_bp) == (1, 7_776)
    found = {each.label: each.buyers for each in segments_of(month) if each.buyers}
    assert found == {"champions": 1, "lost buyers": 9}


# --- Words about a member ----------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "words"),
    [
        (12, "Buys every 32 days, 12 days late."),
        (1, "Buys every 32 days, 1 day late."),
        (0, "Buys every 32 days, next today."),
        (-5, "Buys every 32 days, next in 5 days."),
    ],
)
def test_how_often_and_how_late(late, words):
    due = NOON.replace(hour=16) - timedelta(days=late + 1)  # Midnight in Shanghai.
    score = MemberScore(**SCORE, interval_days=32, due_at=due)
    said = value_words(score=score, at=NOON)
    assert said is not None
    assert said.segment == "champions"
    assert said.sentences[1] == words


def test_a_forecast_in_words_or_that_there_is_none():
    said = value_words(score=MemberScore(**SCORE, **FORECAST), at=NOON)
    assert said is not None
    assert said.sentences[1:] == [
        "Too few purchases to say how often.",
        "Still a buyer with 87 %; 3.2 purchases and ¥1,234.50 expected in 365 days.",
    ]
    said = value_words(score=MemberScore(**SCORE), at=NOON)
    assert said is not None
    assert said.sentences[2] == "The shop has too few orders to say what comes next."
    assert value_words(score=None, at=NOON) is None


def test_the_member_page_says_it(shop, signed_in):
    MemberScore.objects.update_or_create(
        member=shop["busy"], defaults={**SCORE, **FORECAST}
    )
    url = reverse("admin:member_page", args=[shop["busy"].public_id])
    shown = signed_in("analyst").get(url).content.decode()
    assert "3.2 purchases and ¥1,234.50 expected in 365 days." in shown
