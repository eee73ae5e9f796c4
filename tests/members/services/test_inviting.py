from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from crm.shared.models import Fact
from members.models import Invitation, InvitationCode, Member
from members.services.inviting import (
    UnknownInvitation,
    accept_invitation,
    invitation_code_of,
)
from members.services.joining import join
from tests.cast import NOON, make_member


def code_of(member):
    return invitation_code_of(member_id=member.pk, now=NOON)


def accepted():
    return [
        fact.payload for fact in Fact.objects.filter(name="members.InvitationAccepted")
    ]


def test_a_member_keeps_one_code(alice, bob):
    assert code_of(alice) == code_of(alice) != code_of(bob)
    assert InvitationCode.objects.count() == 2


@pytest.mark.parametrize("typing", [str.lower, lambda code: f" {code[:5]}-{code[5:]} "])
def test_joining_with_a_code_names_who_invited(alice, typing):
    member = join(source="app", invitation_code=typing(code_of(alice)), now=NOON)
    invitation = Invitation.objects.get()
    assert (invitation.inviter, invitation.invitee, invitation.accepted_at) == (
        alice,
        member,
        NOON,
    )
    assert accepted() == [{"inviter_id": alice.pk, "invitee_id": member.pk}]


def test_nobody_is_invited_twice_or_by_themselves(alice, bob):
    member = join(source="app", invitation_code=code_of(alice), now=NOON)
    again = accept_invitation(member_id=member.pk, code=code_of(bob), now=NOON)
    assert again.inviter == alice
    assert len(accepted()) == 1
    with pytest.raises(UnknownInvitation):
        accept_invitation(member_id=bob.pk, code=code_of(bob), now=NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.create(inviter=bob, invitee=bob, accepted_at=NOON)


def test_a_bad_code_lets_nobody_in_half(alice):
    alice_code = code_of(alice)
    alice.state = "frozen"
    alice.save()
    for code in (alice_code, "0000000000", alice.number, "x"):
        with pytest.raises(UnknownInvitation):
            join(source="app", invitation_code=code, now=NOON)
    assert Member.objects.count() == 1
    assert not Fact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_thirty_requests_for_one_code_get_one():
    member = make_member(1)

    def ask(_):
        try:
            return code_of(member)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(30)))) == 1
