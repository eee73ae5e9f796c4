import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.numbers import is_member_number, member_number

SERIALS = st.integers(1, 10**12)


def test_numbers_are_written_the_same_for_ever():
    assert [member_number(n) for n in (1, 42, 123456789)] == [
        "M000000013",
        "M000000427",
        "M1234567894",
    ]


@given(SERIALS)
def test_every_number_made_is_a_number(serial):
    assert is_member_number(member_number(serial))


@given(SERIALS, SERIALS)
def test_two_serials_never_share_a_number(one, other):
    assert (member_number(one) == member_number(other)) is (one == other)


@given(SERIALS, st.data())
def test_one_wrong_digit_is_noticed(serial, data):
    number = member_number(serial)
    place = data.draw(st.integers(1, len(number) - 1))
    digit = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not is_member_number(number[:place] + digit + number[place + 1 :])


@given(SERIALS, st.data())
def test_two_neighbours_swapped_are_noticed(serial, data):
    number = member_number(serial)
    place = data.draw(st.integers(1, len(number) - 2))
    one, other = number[place], number[place + 1]
    swapped = number[:place] + other + one + number[place + 2 :]
    assert is_member_number(swapped) is (one == other)


@pytest.mark.parametrize(
    "text", ["", "M", "M1", "X000000013", "M00000001３", "m000000013", "M000000013\n"]
)
def test_other_texts_are_no_numbers(text):
    assert not is_member_number(text)


@pytest.mark.parametrize("serial", [0, -1])
def test_serials_begin_at_one(serial):
    with pytest.raises(ValueError, match="no serial"):
        member_number(serial)
