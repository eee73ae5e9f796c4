"""The engine by table: every policy, benefit and limit in the neutral wire format.

Each line of ``cases/*.jsonl`` is a cart, what is offered, and what must come out; its
id names the policy or the rule. ``expect`` is a part of the answer.
"""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from campaigns.rules.policies import (
    POLICY_VALUES,
    WIRE,
    Policies,
    UnknownPolicy,
    policies_of,
)
from campaigns.rules.wire.cases import GIVEN, answer_case
from campaigns.rules.wire.club import STEPS
from campaigns.rules.wire.policies import VALUES
from campaigns.rules.wire.shop import SHOP_STEPS

CASES = [
    pytest.param(json.loads(line, parse_float=str), id=json.loads(line)["id"])
    for path in sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
#: The format itself: its text lies beside the folder of the data.
FORMAT = settings.SHARED_DATA_DIR.parent / "pricing-wire.md"
#: Amounts and orders of these are to be met exactly, not in part.
WHOLE = {"applied", "usage"}


def missing(expected, got, at=""):
    """Return where an answer differs from what is expected of it."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{at}: {got!r} is no object"]
        if at.rsplit(".", maxsplit=1)[-1] in WHOLE:
            return [] if expected == got else [f"{at}: {got!r}"]
        return [
            each
            for key, value in expected.items()
            for each in missing(value, got.get(key), f"{at}.{key}")
        ]
    if isinstance(expected, list) and expected and isinstance(expected[0], dict):
        if not isinstance(got, list) or len(got) != len(expected):
            return [f"{at}: {got!r}"]
        pairs = enumerate(zip(expected, got, strict=True))
        return [
            e for n, (want, have) in pairs for e in missing(want, have, f"{at}.{n}")
        ]
    if isinstance(got, float):
        got = str(got)
    return [] if expected == got else [f"{at}: {got!r} instead of {expected!r}"]


@pytest.mark.parametrize("case", CASES)
def test_case(case):
    told = answer_case({key: case[key] for key in case if key != "expect"})
    assert missing(case["expect"], told) == []
    assert ("not_expressible" in told) == ("not_expressible" in case["expect"]), told


def adds_up(told):
    cents = {
        name: {key: round(float(value) * 100) for key, value in told[name].items()}
        for name in ("line_discounts", "line_totals")
    }
    shares = {}
    for each in told["allocations"]:
        shares[each["line"]] = shares.get(each["line"], 0) + round(
            float(each["amount"]) * 100
        )
    for name, taken in cents["line_discounts"].items():
        assert shares.get(name, 0) == taken, "X8"
        assert cents["line_totals"][name] >= 0, "X7"


@pytest.mark.parametrize("case", CASES)
def test_x7_x8_shares_add_up_in_every_case(case):
    told = answer_case({key: case[key] for key in case if key != "expect"})
    if "line_discounts" in told:
        adds_up(told)


def named_by(case):
    policies = case["given"].get("policies") or {}
    return policies.items() if isinstance(policies, dict) else ()


def test_every_value_of_every_policy_has_a_case_or_is_the_default():
    named = {
        (name, str(value).lower())
        for param in CASES
        for name, value in named_by(param.values[0])
    }
    known = POLICY_VALUES | VALUES
    more = {(name, each) for name in known for each in known[name][1:]}
    assert sorted(more - named) == []


def test_the_first_value_of_a_policy_is_what_the_wire_means():
    assert policies_of({name: each[0] for name, each in POLICY_VALUES.items()}) == WIRE


@pytest.mark.parametrize(
    "named", [{"rounding": "down"}, {"rounding.mode": "up"}, {"earn.basis": "gross"}]
)
def test_a_policy_nobody_knows_is_not_passed_over(named):
    with pytest.raises(UnknownPolicy):
        policies_of(named)


def test_policies_are_read_over_others():
    base = Policies(rounding_mode="down")
    assert policies_of({"stacking": "sequential"}, base).rounding_mode == "down"


def test_the_command_answers_each_line_and_asks_no_database(tmp_path):
    cases = tmp_path / "cases.jsonl"
    one = CASES[0].values[0]
    cases.write_text(json.dumps(one) + "\n\n" + json.dumps({"id": 7}))
    out = StringIO()
    call_command("price_cart", str(cases), stdout=out)
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [each["id"] for each in told] == [one["id"], 7]
    assert "KeyError" in told[1]["not_expressible"]


def test_a_defect_of_the_engine_is_no_case_it_cannot_express(tmp_path, monkeypatch):
    """It is named as an error, the other cases are answered, the command fails."""
    plain = {
        "id": "plain",
        "given": {"lines": [{"id": "1", "sku": "A", "qty": 1, "unit_price": "1.00"}]},
    }
    assert "not_expressible" not in answer_case(plain)
    monkeypatch.setattr(
        "campaigns.rules.wire.pricing.price_cart", lambda *_, **__: {}["missing"]
    )
    cases = tmp_path / "cases.jsonl"
    cases.write_text(
        json.dumps(plain) + "\n" + json.dumps({"id": "bad", "given": {"x": 1}})
    )
    out = StringIO()
    with pytest.raises(CommandError, match="failed on 1"):
        call_command("price_cart", str(cases), stdout=out)
    first, second = map(json.loads, out.getvalue().splitlines())
    assert first == {"id": "plain", "error": "KeyError: 'missing'"}
    assert second["id"] == "bad"
    assert "error" not in second


def steps_of(case):
    return case.get("steps") or case["given"].get("steps") or ()


def test_every_step_has_a_case():
    done = {step["do"] for param in CASES for step in steps_of(param.values[0])}
    assert sorted({*SHOP_STEPS, *STEPS} - done) == []


def test_every_key_of_a_case_has_one():
    said = {key for param in CASES for key in param.values[0]["given"]}
    assert sorted(GIVEN - said - {"steps"}) == []


def test_every_policy_of_the_format_is_known():
    """Reads the list out of the format itself, where it lies beside the data."""
    if not FORMAT.exists():
        pytest.skip(f"{FORMAT} is not here; set REGULARS_DATA")
    listed = FORMAT.read_text(encoding="utf-8").partition("## Policies")[2]
    known = POLICY_VALUES | VALUES
    for name, values in re.findall(r"- `([\w.]+)`: (.+)", listed):
        assert sorted(set(values.split(", ")) - set(known[name])) == [], name
