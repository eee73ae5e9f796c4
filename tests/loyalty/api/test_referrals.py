import pytest
from rest_framework.test import APIClient

from members.services.inviting import invitation_code_of
from tests.cast import NOON
from tests.loyalty.friends import brought, buys, promise

ME = "/api/storefront/v1/me/referrals"


def of(member):
    client = APIClient()
    client.force_authenticate(member.user)
    return client


@pytest.fixture
def friends(alice):
    """Alice brought one who is rewarded, one held, one refused, one who waits."""
    promise(inviter_points=300, least_order_minor=5_000, velocity_friends=0)
    found = [
        brought(alice, n, name=name, at=NOON)
        for n, name in ((7, "王静"), (8, "李伟"), (9, "张敏"), (10, "陈杰"))
    ]
    buys(found[0])
    for referral, state in ((found[1], "held"), (found[2], "rejected")):
        referral.state, referral.converted_at = state, NOON
        referral.reasons = ["same_phone"]
        referral.save()
    return found


def test_a_member_sees_the_code_and_what_it_brought(alice, friends, settings):
    body = of(alice).get(ME).json()
    code = invitation_code_of(member_id=alice.pk, now=NOON)
    assert body == {
        "code": code,
        "link": f"{settings.STOREFRONT_URL}/join?invitation_code={code}",
        "joined": 4,
        "waiting": 2,
        "rewarded": 1,
        "points": 300,
        "terms": {
            "conversion": "first_order",
            "least_order": {"amount": "50.00", "currency": "CNY"},
            "inviter_points": 300,
            "friend_points": 100,
            "inviter_coupon": None,
            "friend_coupon": None,
        },
    }


def test_while_the_program_is_off_nothing_is_promised(alice):
    body = of(alice).get(ME).json()
    assert (body["terms"], body["points"]) == (None, 0)


def test_friends_are_masked_and_nobody_is_told_of_a_suspicion(alice, friends):
    answer = of(alice).get(f"{ME}/friends")
    told = [(row["name"], row["state"], row["points"]) for row in answer.json()["data"]]
    assert told == [
        ("陈***", "waiting", 0),
        ("张***", "ended", 0),
        ("李***", "waiting", 0),
        ("王***", "rewarded", 300),
    ]
    assert "same_phone" not in answer.content.decode()


def test_nobody_sees_the_friends_of_another(mallory, friends):
    assert of(mallory).get(f"{ME}/friends").json()["data"] == []
    assert of(mallory).get(ME).json()["joined"] == 0


def test_a_list_costs_the_same_however_many_there_are(
    alice, friends, django_assert_num_queries
):
    client = of(alice)
    with django_assert_num_queries(1):
        client.get(f"{ME}/friends")
