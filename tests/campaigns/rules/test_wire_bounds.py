"""What anybody may send to the command: every line is answered, and soon.

A line that is no JSON, a number nobody can mean, a case nested too deep: each is told as
``not_expressible`` and the next line is read.
"""

import json
from io import StringIO
from time import perf_counter

import pytest
from django.core.management import call_command

from campaigns.rules.wire.cases import answer_case

LINE = {"id": "a", "sku": "A", "unit_price": "10.00", "qty": 1}
PLAIN = {"id": "plain", "given": {"currency": "EUR", "lines": [LINE]}}


def answered(tmp_path, *lines):
    """Return the answers to lines of bytes, as the command writes them."""
    cases = tmp_path / "cases.jsonl"
    cases.write_bytes(b"\n".join(lines))
    out = StringIO()
    call_command("price_cart", str(cases), stdout=out)
    return [json.loads(each) for each in out.getvalue().encode().splitlines()]


def given(**changes):
    return {"id": 1, "given": PLAIN["given"] | changes}


def nested(kind, times):
    made = {"type": "first_order"}
    for _each in range(times):
        made = {kind: made if kind == "not" else [made]}
    return made


@pytest.mark.parametrize(
    "line",
    [
        b"{no",
        b'{"id": 1, "given": "\xff"}',
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5_000 + b"}",
    ],
    ids=["no JSON", "no UTF-8", "too deep", "too many digits"],
)
def test_a_line_that_cannot_be_read_is_answered_and_the_next_is_priced(tmp_path, line):
    bad, good = answered(tmp_path, line, json.dumps(PLAIN).encode())
    assert bad["id"] is None
    assert "Line 1" in bad["not_expressible"]
    assert good["total"] == "10.00"


def test_a_byte_order_mark_is_no_part_of_a_case(tmp_path):
    [told] = answered(tmp_path, b"\xef\xbb\xbf" + json.dumps(PLAIN).encode())
    assert told["total"] == "10.00"


def test_a_text_that_no_encoding_can_write_is_answered_as_an_escape(tmp_path):
    asked = given(lines=[LINE | {"sku": "\ud800"}])
    [told] = answered(tmp_path, json.dumps(asked).encode())
    assert told["lines"]["a"]["sku"] == "\ud800"


@pytest.mark.parametrize("kind", ["not", "any", "all"])
@pytest.mark.parametrize("times", [120, 400, 3_000])
def test_a_case_nested_too_deep_is_not_expressible(kind, times):
    promotion = {
        "id": "p",
        "trigger": "automatic",
        "target": "order",
        "conditions": [nested(kind, times)],
        "benefit": {"type": "percent", "value": "10"},
    }
    assert "deep" in answer_case(given(promotions=[promotion]))["not_expressible"]


def test_an_expression_of_too_many_brackets_is_not_expressible():
    asked = {"expression": "(" * 3_000 + "vip" + ")" * 3_000, "values": {"vip": True}}
    assert "not_expressible" in answer_case({"id": 1, "given": asked})


def test_a_name_nested_too_deep_is_not_repeated():
    name = []
    for _each in range(900):
        name = [name]
    assert answer_case({"id": name, "given": {}})["id"] is None


HUGE, TINY = "1e3000000", "1e-3000000"


@pytest.mark.parametrize("size", [HUGE, TINY, "1e5000"])
@pytest.mark.parametrize(
    "asked",
    [
        lambda size: {"lines": [LINE | {"qty": size}]},
        lambda size: {"lines": [LINE | {"unit_price": size}]},
        lambda size: {"tax": {"rate": size}},
        lambda size: {"balance": size},
        lambda size: {"history": {"uses": [{"promotion": "p", "count": size}]}},
        lambda size: {"redeem": {"points": size, "amount": "1.00"}, "balance": 1},
        lambda size: {
            "earn_rules": [{"type": "per_amount", "points": size, "per": "1.00"}]
        },
        lambda size: {"earn_rules": [{"type": "multiplier", "factor": size}]},
        lambda size: {"order_points": size, "refund": {}},
        lambda size: {
            "tiers": {"basis": "spend", "levels": [{"id": "a", "threshold": size}]}
        },
        lambda size: {
            "tiers": {"basis": "spend", "levels": [{"id": "a", "threshold": 1}]},
            "member": {"id": "m", "metrics": {"spend": size}},
        },
    ],
)
def test_a_number_of_a_size_nobody_means_is_refused_at_once(asked, size):
    began = perf_counter()
    told = answer_case(given(**asked(size)))
    assert perf_counter() - began < 1
    assert "not_expressible" in told


@pytest.mark.parametrize("size", [HUGE, TINY])
def test_a_value_of_an_expression_is_a_number_somebody_means(size):
    began = perf_counter()
    asked = {"expression": "visits > 3", "values": {"visits": size}}
    assert "not_expressible" in answer_case({"id": 1, "given": asked})
    assert perf_counter() - began < 1


@pytest.mark.parametrize("size", [HUGE, TINY])
def test_a_weight_of_a_size_nobody_means_is_refused_at_once(size):
    began = perf_counter()
    asked = {"prorate": {"amount": "1.00", "weights": [1, size]}}
    assert "not_expressible" in answer_case({"id": 1, "given": asked})
    assert perf_counter() - began < 1


def test_what_is_refused_is_named_in_a_line():
    told = answer_case(given(balance="9" * 100_000))
    assert len(told["not_expressible"]) < 100
