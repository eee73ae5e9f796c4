from itertools import product

import pytest

from members.rules.claims import Claim, claim_of


@pytest.mark.parametrize(
    ("_case", "phone", "verified", "login", "otherwise", "left", "claim"),
    [
        ("their own, proved before", 1, 1, 1, 0, 0, Claim.ENTER),
        ("an imported member", 1, 0, 0, 0, 0, Claim.ENTER),
        ("a number typed by somebody else", 1, 0, 1, 0, 1, Claim.RELEASE),
        ("a number typed by its only way in", 1, 0, 1, 0, 0, Claim.OUST),
        ("an address signed up without proof", 0, 0, 1, 0, 1, Claim.OUST),
        ("an address of who proved a phone", 0, 0, 1, 1, 1, Claim.RELEASE),
        ("an address opened by staff", 0, 0, 1, 0, 0, Claim.OUST),
    ],
)
def test_whose_membership_it_is(_case, phone, verified, login, otherwise, left, claim):
    found = claim_of(
        is_phone=bool(phone),
        verified=bool(verified),
        has_login=bool(login),
        proved_otherwise=bool(otherwise),
        way_in_left=bool(left),
    )
    assert found is claim


def test_nobody_shares_a_membership_with_who_proved_nothing():
    """Entering without putting others out needs proof, or that nobody is in."""
    for phone, verified, login, otherwise, left in product([False, True], repeat=5):
        claim = claim_of(
            is_phone=phone,
            verified=verified,
            has_login=login,
            proved_otherwise=otherwise,
            way_in_left=left,
        )
        assert (claim is Claim.ENTER) == (verified or not login)
