from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.profile import is_email, mask, read_birthday, tidy_name

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  王  静 ", "王 静"), ("Jose\u0301", "José"), ("", ""), ("x" * 120, "x" * 120)],
)
def test_a_name_is_kept_tidy(typed, kept):
    assert tidy_name(typed) == kept


@pytest.mark.parametrize("typed", ["x" * 121, "a\x00b", "a\x1bb", "\ud800"])
def test_a_name_that_cannot_be_kept_is_refused(typed):
    with pytest.raises(ValueError, match="name"):
        tidy_name(typed)


@pytest.mark.parametrize(
    "text", ["1990-02-28", "2000-02-29", "2026-11-21", "1900-01-01"]
)
def test_a_birthday_is_a_day_up_to_today(text):
    assert read_birthday(text, today=TODAY) == date.fromisoformat(text)


@pytest.mark.parametrize(
    "text",
    [
        "1990-02-30",
        "2001-02-29",
        "2026-11-22",
        "1899-12-31",
        "19900228",
        "1990-W09-3",
        "28.02.1990",
        "",
        "0",
    ],
)
def test_other_texts_are_no_birthday(text):
    with pytest.raises(ValueError):
        read_birthday(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+8613800001234", "+86*******1234"),
        ("wang.jing@example.com", "w***@example.com"),
        ("王静", "王*"),
        ("王", "王"),
        ("", ""),
        (None, ""),
        ("+123456", "+******"),
    ],
)
def test_a_masked_value_shows_only_what_helps(text, masked):
    assert mask(text) == masked


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_a_masked_phone_hides_all_but_seven_characters(phone):
    masked = mask(phone)
    assert len(masked) == len(phone)
    assert masked.count("*") == len(phone) - 7


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a@b.cn", True),
        ("王@例子.中国", True),
        ("a@b", False),
        ("a b@c.de", False),
        ("@b.cn", False),
        ("a@@b.cn", False),
        ("a" * 65 + "@b.cn", False),
        ("a@" + "b" * 250 + ".cn", False),
    ],
)
def test_an_address_has_a_shape(text, is_one):
    assert is_email(text) is is_one
