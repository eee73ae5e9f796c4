import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.duplicates import (
    OUTCOMES,
    Traits,
    likeness,
    match_keys,
    percent,
)

WANG = Traits(
    name="王静",
    phone="+8613800001234",
    email="wang.jing@example.com",
    birthday="1990-02-28",
    gender="female",
    region="上海",
)


def but(**changed) -> Traits:
    return Traits(**{name: getattr(WANG, name) for name in WANG.__slots__} | changed)


CASES = [
    ("the same in everything but the phone", but(phone="+8613900005678"), 99),
    ("the same number under another prefix", but(phone="+85200001234"), 99),
    ("written in Latin letters", but(name="Wang Jing"), 99),
    ("another order of names", but(name="jing WANG", phone=""), 99),
    ("mail under a plus", but(email="wangjing+shop@qq.com", birthday="", phone=""), 99),
    ("a namesake of the same month", Traits(name="王静", birthday="1990-02-01"), 7),
    ("a namesake, nothing else known", Traits(name="王静"), 25),
    ("a namesake with the tail", Traits(name="王静", phone="+8613955551234"), 99),
    ("somebody of the household", but(name="李伟", birthday="1988-01-01", gender="male", email="", phone="+8613955551234"), 0),
    ("nothing in common", Traits("陈杰", "+8613011112222", "chen@a.cn", "1970-05-05", "male", "北京"), 0),
    ("nothing known", Traits(), 0),
]  # fmt: skip


@pytest.mark.parametrize(("_case", "other", "score"), CASES)
def test_how_likely_they_are_one(_case, other, score):
    assert likeness(WANG, other).score == score


def test_reasons_are_what_speaks_for_it_strongest_first():
    found = likeness(WANG, but(phone="+8613955551234", name="Wang Jing", email=""))
    assert found.reasons == (
        *("same_birthday", "same_phone_tail", "same_name_in_pinyin"),
        *("same_region", "same_gender"),
    )


def test_the_weights_are_those_of_the_page():
    bits = {reason: round(outcome.bits, 1) for reason, outcome in OUTCOMES.items()}
    assert bits == {
        "same_last_eight_digits": 14.9,
        "same_phone_tail": 9.0,
        "other_phone": -0.7,
        "same_name": 8.5,
        "same_name_in_pinyin": 5.6,
        "other_name": -3.3,
        "same_birthday": 14.1,
        "same_birth_month": -2.0,
        "other_birthday": -3.5,
        "same_mailbox_name": 12.0,
        "other_mailbox_name": -0.7,
        "same_gender": 1.0,
        "other_gender": -4.6,
        "same_region": 3.0,
        "other_region": -2.2,
    }


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (but(phone="+85200001234", name="", birthday="", email=""), True),
        (Traits(name="Wang Jing", birthday="1990-02-28"), True),
        (Traits(name="Wang Jing", phone="+8613955551234"), True),
        (Traits(email="wangjing@qq.com"), True),
        (Traits(name="王静"), False),
        (Traits(birthday="1990-02-28", region="上海", gender="female"), False),
        (Traits(email="info@example.com"), False),
        (Traits(), False),
    ],
)
def test_who_is_compared_at_all(other, meets):
    assert bool(match_keys(WANG) & match_keys(other)) is meets


TEXTS = st.sampled_from(["", "王静", "Wang Jing", "李伟"])
PEOPLE = st.builds(
    Traits,
    name=TEXTS,
    phone=st.sampled_from(["", "+8613800001234", "+85200001234", "+8613955551234"]),
    email=st.sampled_from(["", "wangjing@a.cn", "wang.jing+x@b.cn"]),
    birthday=st.sampled_from(["", "1990-02-28", "1990-02-01", "1970-05-05"]),
    gender=st.sampled_from(["", "female", "male"]),
    region=st.sampled_from(["", "上海", "北京"]),
)


@given(PEOPLE, PEOPLE)
def test_likeness_does_not_depend_on_who_comes_first(one, other):
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other).score <= 99


def test_odds_become_percent():
    assert [percent(bits) for bits in (-60, -1, 0, 1, 60, 200)] == [
        0,
        33,
        50,
        66,
        99,
        99,
    ]
