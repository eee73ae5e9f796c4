"""The harness of races itself."""

import threading

import pytest

from tests.faults.callers import (
    MOST_CONNECTIONS,
    all_at_once,
    at_once,
    rendezvous,
    tally,
)


def test_every_caller_is_answered_in_order():
    assert at_once([lambda n=n: n * n for n in range(100)]) == [
        n * n for n in range(100)
    ]


def test_what_is_raised_is_an_answer_and_stops_nobody():
    def work(number: int) -> str:
        if number % 3 == 0:
            raise KeyError(number)
        return "done"

    assert all_at_once(100, work) == {"KeyError": 34, "done": 66}


def test_so_many_are_at_work_at_one_moment():
    meet = rendezvous(MOST_CONNECTIONS)
    assert all_at_once(2 * MOST_CONNECTIONS, lambda _n: meet() >= 0) == {
        True: 2 * MOST_CONNECTIONS
    }


def test_a_lost_update_happens_when_nothing_guards():
    """The control of all controls: reading, then writing, loses."""
    counter, meet = {"n": 0}, rendezvous(4)

    def work(_number: int) -> None:
        seen = counter["n"]
        meet()
        counter["n"] = seen + 1

    at_once([lambda n=n: work(n) for n in range(4)])
    assert counter["n"] == 1


@pytest.mark.parametrize("count", [1, 3])
def test_few_callers_use_few_threads(count):
    seen = set()
    meet = rendezvous(count)
    at_once([lambda: (meet(), seen.add(threading.get_ident()))] * count)
    assert len(seen) == count


def test_a_tally_names_errors_by_their_class():
    assert tally(["x", ValueError("a"), ValueError("b")]) == {"x": 1, "ValueError": 2}
