import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.models import Member
from members.rules.completeness import COMPLETE, WEIGHTS, completeness, missing


@pytest.mark.parametrize(
    ("_case", "filled", "percent"),
    [
        ("nothing", set(), 0),
        ("a name", {"name"}, 10),
        ("how to reach them", {"phone", "email"}, 35),
        ("a picture does not count", {"name", "avatar"}, 10),
        ("all but interests", set(WEIGHTS) - {"interests"}, 90),
        ("all", set(WEIGHTS), 100),
    ],
)
def test_weights_add_up(_case, filled, percent):
    assert completeness(filled) == percent


def test_every_weighted_field_is_one_of_the_member():
    names = {field.name for field in Member._meta.get_fields()}
    assert set(WEIGHTS) <= names
    assert sum(WEIGHTS.values()) == COMPLETE


@given(st.sets(st.sampled_from(sorted(WEIGHTS))))
def test_what_is_missing_is_what_makes_it_complete(filled):
    left = missing(filled)
    assert completeness(filled | set(left)) == COMPLETE
    assert filled.isdisjoint(left)
    assert [WEIGHTS[f] for f in left] == sorted(
        (WEIGHTS[f] for f in left), reverse=True
    )
