import contextlib
import io
import json
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.bounded_json import (
    BodyTooLarge,
    MalformedJSON,
    dumps,
    loads,
    read_bounded,
)

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], codec="utf-8"), max_size=20
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_reads_back_what_json_writes(value):
    assert loads(json.dumps(value).encode()) == value
    assert loads(dumps(value)) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(MalformedJSON):
        loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1,}',
        b'{"a":1,"a":2}',
        b'{"x":{"a":1,"a":1}}',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[9223372036854775808]",
        b"[" + b"9" * 5000 + b"]",
        b"[1e999999999]",
        b"[1e31]",
        b"[0." + b"0" * 100 + b"1]",
        b'["\\u0000"]',
        b'["\x00"]',
        b'["\\u001b[31m"]',
        b'["\\u0085"]',
        b'["\\ud800"]',
        b'{"\\ud800":1}',
        b'["\xff"]',
        b"\xef\xbb\xbf{}",
        b"[" * 21 + b"]" * 21,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"'a'",
    ],
)
def test_refuses(body):
    with pytest.raises(MalformedJSON):
        loads(body)


def test_takes_what_is_just_inside():
    assert loads(b"[9223372036854775807]") == [2**63 - 1]
    assert loads(b"[" * 20 + b"]" * 20) is not None
    assert loads(b'["tab\\t line\\n \\ud83d\\ude00"]') == ["tab\t line\n 😀"]
    assert loads(b'["[[[[[[[[[[[[[[[[[[[[[[[[[", "\\"[[[[[[[["]')[1] == '"[[[[[[[['
    (price,) = loads(b"[12.30]")
    assert isinstance(price, Decimal) and str(price) == "12.30"


def test_tells_where_the_character_stands():
    with pytest.raises(MalformedJSON) as refused:
        loads(b'{"items":[{"a/b":"\\u0000"}]}')
    assert refused.value.pointer == "/items/0/a~1b"


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"' * 128_000, b'["' * 80_000, b'"a' * 128_000, b"\\" * 256_000],
)
def test_hostile_bodies_cost_no_time(body):
    started = time.perf_counter()
    with pytest.raises(MalformedJSON):
        loads(body)
    assert time.perf_counter() - started < 1


def test_a_long_body_is_refused_unread_and_a_lying_one_at_the_limit(settings):
    settings.API_MAX_BODY_BYTES = 10
    assert read_bounded(io.BytesIO(b"x" * 10), "10") == b"x" * 10
    unread = io.BytesIO(b"x" * 11)
    with pytest.raises(BodyTooLarge):
        read_bounded(unread, "11")
    assert unread.tell() == 0
    lying = io.BytesIO(b"x" * 1000)
    with pytest.raises(BodyTooLarge):
        read_bounded(lying, "5")
    assert lying.tell() == 11


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("12.30"), b'"12.30"'),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), b'"2026-03-01T08:00:00Z"'),
        (
            datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=8))),
            b'"2026-03-01T00:00:00Z"',
        ),
        (date(2026, 3, 1), b'"2026-03-01"'),
        (gettext_lazy("Xyzzy"), b'"Xyzzy"'),
        ({"b": 1, "a": "文"}, '{"b":1,"a":"文"}'.encode()),
    ],
)
def test_writes(value, text):
    assert dumps(value) == text


def test_does_not_write_what_it_does_not_know():
    with pytest.raises(TypeError):
        dumps(object())
