"""Signing up with the code of a friend."""

import pytest

from members.models import Invitation, Member, User
from tests.members.api.signing_in import PASSWORD, sign_up

FRIEND = "friend@example.com"


def code_of(client):
    return client.get("/api/storefront/v1/me/invitation").json()["code"]


def test_a_friend_joins_with_a_code_and_is_counted(jing):
    answer = sign_up(email=FRIEND, password=PASSWORD, invitation_code=code_of(jing))
    assert answer.status_code == 200, answer.content
    invitation = Invitation.objects.get()
    assert invitation.inviter.name == "王静"
    assert invitation.invitee.email == FRIEND
    assert jing.get("/api/storefront/v1/me/invitation").json()["accepted"] == 1


@pytest.mark.parametrize("code", ["0000000000", "x", "x" * 41])
def test_a_bad_code_is_said_and_nobody_joins(jing, code):
    answer = sign_up(email=FRIEND, password=PASSWORD, invitation_code=code)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["param"] == "invitation_code"
    assert (Member.objects.count(), User.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "more", [{}, {"invitation_code": ""}, {"invitation_code": " "}]
)
def test_one_joins_without_a_code_too(db, more):
    assert sign_up(email=FRIEND, password=PASSWORD, **more).status_code == 200
    assert not Invitation.objects.exists()
