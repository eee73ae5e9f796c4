"""The harness finds what it is for: each planted fault, and none in what is right."""

import pytest
from django.db import OperationalError, transaction

from orders.models import Category, Channel
from tests.faults.cuts import Effect, cut_everywhere

pytestmark = pytest.mark.django_db(transaction=True)


def two_rows() -> None:
    """Write two rows that belong together, unless they are there."""
    Category.objects.get_or_create(code="a", name="A")
    Channel.objects.get_or_create(code="a", name="A")


def test_what_is_right_is_found_right():
    found = cut_everywhere(Effect(transaction.atomic(two_rows)), kill_every=2)
    # Two reads and two writes, each write with a savepoint, and the commit.
    assert found.statements == 9
    assert (found.cuts, found.kills) == (26, 8)


def test_control_without_a_transaction_half_of_it_is_seen():
    with pytest.raises(AssertionError, match="shows 2 states, not 1"):
        cut_everywhere(Effect(two_rows))


def test_control_a_swallowed_failure_that_commits_is_half_done():
    @transaction.atomic
    def careless() -> None:
        Category.objects.get_or_create(code="a", name="A")
        try:
            with transaction.atomic():
                Channel.objects.get_or_create(code="a", name="A")
        except OperationalError:
            pass

    with pytest.raises(AssertionError, match="Half done after"):
        cut_everywhere(Effect(careless))


def test_control_an_effect_that_a_retry_repeats_is_found_by_the_lost_commit():
    @transaction.atomic
    def forgetful() -> None:
        Category.objects.create(code=f"c{Category.objects.count()}", name="C")

    with pytest.raises(AssertionError, match="is_after=True"):
        cut_everywhere(Effect(forgetful))


def test_control_a_retry_that_gives_up_is_found():
    with pytest.raises(AssertionError, match="Ended else after"):
        cut_everywhere(Effect(transaction.atomic(two_rows), again=lambda: None))


def test_control_what_happens_twice_outside_is_found():
    letters = []

    @transaction.atomic
    def write_and_post() -> None:
        two_rows()
        letters.append("letter")

    with pytest.raises(AssertionError):
        cut_everywhere(
            Effect(write_and_post, outside=lambda: list(letters), forget=letters.clear)
        )
