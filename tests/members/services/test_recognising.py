import pytest
from allauth.socialaccount.models import SocialAccount

from crm.shared.models import Fact
from members.models import ExternalIdentity, Member, User
from members.rules.external_identity import EVERY_APP, Identity, Subject
from members.services.recognising import (
    IdentityBelongsToAnother,
    MembershipEnded,
    join_by_identity,
    link_identity,
    recognise,
)
from tests.cast import NOON, make_user
from tests.faults.callers import at_once


def known_as(*names, provider="wechat"):
    return Identity(provider, tuple(Subject(scope, value) for scope, value in names))


ONE = known_as(("wx1", "o1"))
OTHER = known_as(("wx2", "o2"))
UNION = (EVERY_APP, "u")


def joined(identity):
    return join_by_identity(identity=identity, language="zh-hans", now=NOON)


def names():
    return set(ExternalIdentity.objects.values_list("scope", flat=True))


def test_a_stranger_is_nobody_and_nothing_is_written(db):
    assert recognise(identity=ONE, now=NOON) is None
    assert not ExternalIdentity.objects.exists()


def test_a_name_of_another_provider_is_another_name(db):
    joined(ONE)
    other = known_as(("wx1", "o1"), provider="alipay")
    assert recognise(identity=other, now=NOON) is None


def test_two_names_of_one_person_that_meet_leave_one_account(db):
    account = joined(ONE)
    link_identity(user_id=account.user_id, identity=OTHER, now=NOON)
    assert SocialAccount.objects.count() == 2

    both = known_as(("wx1", "o1"), ("wx2", "o2"), UNION)
    assert recognise(identity=both, now=NOON) == account

    assert SocialAccount.objects.get() == account
    assert names() == {"wx1", "wx2", EVERY_APP}
    assert recognise(identity=OTHER, now=NOON) == account


def test_two_members_do_not_become_one_by_signing_in(db):
    joined(ONE)
    joined(OTHER)
    both = known_as(("wx1", "o1"), ("wx2", "o2"))
    with pytest.raises(IdentityBelongsToAnother):
        recognise(identity=both, now=NOON)
    assert SocialAccount.objects.count() == Member.objects.count() == 2


def test_a_known_name_is_found_while_index_keys_change(db, settings):
    account = joined(ONE)
    ring = settings.KEYRING
    settings.KEYRING = type(ring)(
        primary=ring.primary,
        keys=ring.keys,
        index_primary=9,
        index_keys={9: bytes(range(32)), **ring.index_keys},
    )
    assert recognise(identity=ONE, now=NOON) == account
    assert recognise(identity=known_as(("wx1", "o1"), UNION), now=NOON) == account
    assert ExternalIdentity.objects.count() == 2


def test_staff_without_a_membership_cannot_link(db):
    with pytest.raises(MembershipEnded):
        link_identity(user_id=make_user("dana").pk, identity=ONE, now=NOON)
    assert not SocialAccount.objects.exists()


def test_linking_again_changes_nothing(db):
    account = joined(ONE)
    for _again in range(2):
        link_identity(user_id=account.user_id, identity=OTHER, now=NOON)
    assert SocialAccount.objects.count() == 2


def test_unlinking_takes_the_names_along(db):
    account = joined(known_as(("wx1", "o1"), UNION))
    account.delete()
    assert not ExternalIdentity.objects.exists()
    assert Member.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_ten_first_visits_at_once_in_many_apps_one_member_is_left():
    visits = [known_as((f"wx{n % 5}", f"o{n % 5}"), UNION) for n in range(10)]

    outcomes = at_once([lambda v=visit: joined(v).pk for visit in visits])

    assert len(set(outcomes)) == 1, outcomes
    assert Member.objects.count() == User.objects.count() == 1
    assert SocialAccount.objects.count() == 1
    assert names() == {EVERY_APP, *(f"wx{n}" for n in range(5))}
    assert Fact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_members_who_claim_one_name_at_once_one_gets_it():
    one, other = joined(ONE), joined(OTHER)
    claims = [known_as(("wx1", "o1"), UNION), known_as(("wx2", "o2"), UNION)]

    outcomes = at_once([lambda c=c: recognise(identity=c, now=NOON) for c in claims])

    refused = [o for o in outcomes if isinstance(o, IdentityBelongsToAnother)]
    assert len(refused) == 1, outcomes
    owner = ExternalIdentity.objects.get(scope=EVERY_APP).account
    assert owner in {one, other}
    assert owner in outcomes
