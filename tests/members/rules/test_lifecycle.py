import pytest

from members.models import Member
from members.rules.lifecycle import (
    TABLE,
    may_move,
    next_states,
    staff_moves,
    states_that,
)

STATES = ["pending", "active", "frozen", "dormant", "closed", "merged", "erased"]
ALLOWED = {
    ("pending", "active"),
    ("pending", "closed"),
    ("active", "frozen"),
    ("active", "dormant"),
    ("active", "closed"),
    ("frozen", "active"),
    ("frozen", "closed"),
    ("dormant", "active"),
    ("dormant", "frozen"),
    ("dormant", "closed"),
    ("closed", "active"),
    # A merge is undone into the state there was before.
    *{("merged", state) for state in STATES[:5]},
    *{(state, "merged") for state in STATES[:5]},
    *{(state, "erased") for state in STATES[:6]},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("to", STATES)
def test_a_membership_moves_along_the_table(state, to):
    assert may_move(state, to) is ((state, to) in ALLOWED)


def test_the_table_knows_every_state_of_the_model():
    assert set(Member.State.values) == set(STATES) == set(TABLE)
    assert next_states("erased") == frozenset()


@pytest.mark.parametrize(
    ("state", "earn", "spend", "receive", "sign_in"),
    [
        ("pending", True, False, False, True),
        ("active", True, True, True, True),
        ("frozen", True, False, False, True),
        ("dormant", True, True, True, True),
        ("closed", False, False, False, False),
        ("merged", False, False, False, False),
        ("erased", False, False, False, False),
    ],
)
def test_what_each_state_may_do(state, earn, spend, receive, sign_in):
    standing = TABLE[state]
    assert (standing.earn, standing.spend, standing.receive, standing.sign_in) == (
        earn,
        spend,
        receive,
        sign_in,
    )
    member = Member(state=state)
    assert (member.may_spend, member.may_receive, member.may_sign_in) == (
        spend,
        receive,
        sign_in,
    )


@pytest.mark.parametrize(
    ("state", "choices"),
    [
        ("pending", {"active", "closed"}),
        ("active", {"frozen", "closed"}),
        ("frozen", {"active", "closed"}),
        ("dormant", {"active", "frozen", "closed"}),
        ("closed", {"active"}),
        ("merged", set()),
        ("erased", set()),
    ],
)
def test_staff_neither_merge_nor_erase_nor_put_to_sleep_by_a_state(state, choices):
    assert staff_moves(state) == choices


def test_states_by_right():
    assert states_that("earn") == ["pending", "active", "frozen", "dormant"]
    assert states_that("spend") == ["active", "dormant"]
    with pytest.raises(AttributeError):
        states_that("fly")
