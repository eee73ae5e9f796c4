"""The judge of the runs with faults finds every planted fault, and no other (R2)."""

from dataclasses import replace

import pytest

from tests.kill.judging import Deed, Gift, Read, Row, judge

ROWS = [
    Row("a1", "anna", "grant", "server:1", 500, 1, 500),
    Row("a2", "anna", "spend", "server:2", -200, 2, 300),
    Row("a3", "anna", "gift", "gift:x", -60, 3, 240),
    Row("a4", "anna", "gift", "gift:x", -40, 4, 200),
    Row("b1", "bert", "gift", "gift:x", 60, 1, 60),
    Row("b2", "bert", "gift", "gift:x", 40, 2, 100),
    Row("a5", "anna", "claw_back", "revoke:a1", -500, 5, -300, owed=400),
    Row("a6", "anna", "claw_back", "debt:order:7", 0, 6, -300),
    Row("a7", "anna", "spend", "order:8", -100, 7, -400),
]
BOOKS = {
    "rows": ROWS,
    "balances": {"anna": -400, "bert": 100},
    "deeds": [
        Deed("anna", "grant", "server:1", 500),
        Deed("anna", "spend", "server:2", -200),
        Deed("anna", "claw_back", "revoke:a1", None),
        Deed("anna", "spend", "order:8", -100),
    ],
    "gifts": [Gift("anna", "bert", 100)],
    "reads": [Read("anna", ["a1", "a2"], "a4"), Read("bert", [], "b1")],
}


def told(fault: str, **changed) -> None:
    found = judge(**BOOKS | changed)
    assert any(sentence.startswith(f"{fault}:") for sentence in found), found


def changed_row(place: int, **fields) -> list[Row]:
    return [*ROWS[:place], replace(ROWS[place], **fields), *ROWS[place + 1 :]]


def test_sound_books_have_no_fault():
    assert judge(**BOOKS) == []


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ("lost", {"deeds": [*BOOKS["deeds"], Deed("bert", "grant", "server:9", 5)]}),
        ("lost", {"gifts": [*BOOKS["gifts"], Gift("bert", "anna", 1)]}),
        ("doubled", {"rows": [*ROWS, replace(ROWS[0], id="a8", seq=8)]}),
        ("doubled", {"gifts": []}),
        ("altered", {"rows": changed_row(1, points=-20)}),
        ("phantom", {"deeds": BOOKS["deeds"][1:]}),
        ("phantom", {"rows": changed_row(7, points=-1)}),
        ("overspent", {"rows": changed_row(6, kind="spend", owed=0)}),
        ("overspent", {"rows": changed_row(6, owed=399)}),
        ("unbalanced", {"rows": changed_row(2, points=-61)}),
        ("unbalanced", {"rows": changed_row(4, account="carl")}),
        ("unbalanced", {"rows": changed_row(1, balance_after=301)}),
        ("unbalanced", {"rows": changed_row(1, seq=3)}),
        ("unbalanced", {"balances": {"anna": -400, "bert": 99}}),
        ("stale", {"reads": [Read("anna", ["a1", "a2"], "a1")]}),
        ("stale", {"reads": [Read("anna", ["a1"], "")]}),
    ],
)
def test_r2_each_planted_fault_is_found(fault, changed):
    told(fault, **changed)
