import pytest

from members.models import Member
from members.rules.lifecycle import may_move, next_states

STATES = ["active", "frozen", "closed", "erased", "merged"]
ALLOWED = {
    ("active", "frozen"),
    ("active", "closed"),
    ("frozen", "active"),
    ("frozen", "closed"),
    ("closed", "active"),
    ("closed", "erased"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("to", STATES)
def test_a_membership_moves_along_the_table(state, to):
    assert may_move(state, to) is ((state, to) in ALLOWED)


def test_the_table_knows_every_state_of_the_model():
    assert set(Member.State.values) == set(STATES)
    assert next_states("erased") == frozenset()
