import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.rules.points import Redemption, redemption


def redeem(**changed):
    asked = {
        "requested": 1000,
        "available": 5000,
        "payable_minor": 100_000,
        "share_bp": 5000,
        "step": 100,
        "minor_per_100": 100,
    } | changed
    return redemption(**asked)


@pytest.mark.parametrize(
    ("_case", "changed", "expected"),
    [
        ("all that was asked", {}, Redemption(1000, 1000, "")),
        ("what is there", {"available": 990}, Redemption(900, 900, "available")),
        ("half of the order", {"payable_minor": 1150}, Redemption(500, 500, "share")),
        ("down to the step", {"requested": 1099}, Redemption(1000, 1000, "")),
        ("below a step", {"requested": 99}, Redemption(0, 0, "")),
        ("none there", {"available": 0}, Redemption(0, 0, "available")),
        ("nothing to pay", {"payable_minor": 0}, Redemption(0, 0, "share")),
        ("no share allowed", {"share_bp": 0}, Redemption(0, 0, "share")),
        ("dear points", {"minor_per_100": 200}, Redemption(1000, 2000, "")),
        ("P22: the cap of an order", {"most": 450}, Redemption(400, 400, "order")),
        ("a cap above the share", {"most": 9_999}, Redemption(1000, 1000, "")),
        ("P22: fewer than the minimum", {"least": 1_100}, Redemption(0, 0, "minimum")),
        ("just the minimum", {"least": 1_000}, Redemption(1000, 1000, "")),
        (
            "too few there for the minimum",
            {"least": 500, "available": 490},
            Redemption(0, 0, "available"),
        ),
        (
            "too small an order for the minimum",
            {"least": 600, "payable_minor": 1_150},
            Redemption(0, 0, "share"),
        ),
        ("worthless points", {"minor_per_100": 0}, Redemption(0, 0, "share")),
    ],
)
def test_p22_points_used_are_the_least_of_three(_case, changed, expected):
    assert redeem(**changed) == expected


@given(
    requested=st.integers(0, 10**7),
    available=st.integers(0, 10**7),
    payable=st.integers(0, 10**9),
    share_bp=st.integers(0, 10_000),
    step=st.integers(1, 1000),
    minor_per_100=st.integers(0, 10_000),
    least=st.integers(0, 1_000),
    more=st.integers(0, 1_000),
)
def test_p22_points_never_pay_more_than_their_share(
    requested, available, payable, share_bp, step, minor_per_100, least, more
):
    most = least + more if more else 0
    paid = redemption(
        requested=requested,
        available=available,
        payable_minor=payable,
        share_bp=share_bp,
        step=step,
        minor_per_100=minor_per_100,
        least=least,
        most=most,
    )

    assert paid.points == 0 or paid.points >= least
    assert not most or paid.points <= most
    assert 0 <= paid.points <= min(requested, available)
    assert paid.points % step == 0
    assert paid.amount_minor * 10_000 <= payable * share_bp
    assert (paid.points == 0) == (paid.amount_minor == 0)
