import threading

import pytest
from allauth.account.models import EmailAddress
from django.db import connection

from crm.shared.models import Delivery, Fact
from crm.wiring import SUBSCRIBERS
from members.models import Member, User
from members.queries import email_is, phone_is
from members.rules.numbers import is_member_number
from members.services.aliasing import email_alias
from members.services.checking import AlreadyMember, BadProfile
from members.services.joining import NoAddress, join, open_login
from tests.cast import NOON


def test_joining_writes_a_member_with_a_number_and_tells_the_house(db):
    member = join(
        name=" 王  静 ",
        phone="138 0000 1234",
        email=" Wang@Example.com ",
        source="import",
        channel="taobao",
        external_id="17",
        birthday="1990-02-28",
        gender="female",
        now=NOON,
    )

    kept = Member.objects.get()
    assert kept == member
    assert is_member_number(kept.number)
    assert (kept.name, kept.phone, kept.email) == (
        "王 静",
        "+8613800001234",
        "Wang@Example.com",
    )
    assert (kept.birthday, kept.birth_month, kept.source) == (
        "1990-02-28",
        2,
        "import:taobao",
    )
    assert (kept.joined_at, kept.state, kept.external_id) == (NOON, "active", "17")
    fact = Fact.objects.get()
    assert (fact.name, fact.payload) == (
        "members.MemberJoined",
        {"member_id": member.pk, "source": "import", "is_new": True},
    )
    assert Delivery.objects.count() == len(SUBSCRIBERS["members.MemberJoined"])


def test_two_members_without_any_identifier_may_join(db):
    one, other = join(source="store", now=NOON), join(source="store", now=NOON)
    assert one.number != other.number
    assert one.phone is None
    assert one.email is None


@pytest.mark.parametrize(
    ("again", "field"),
    [
        ({"phone": "+86 138-0000-1234"}, "phone"),
        ({"email": "WANG@example.COM"}, "email"),
        ({"source": "shop", "external_id": "17"}, "external_id"),
    ],
)
def test_an_identifier_belongs_to_one_member_however_it_is_written(db, again, field):
    join(
        phone="13800001234",
        email="wang@example.com",
        source="shop",
        external_id="17",
        now=NOON,
    )
    facts = Fact.objects.count()

    with pytest.raises(AlreadyMember) as refused:
        join(**{"source": "other", **again}, now=NOON)

    assert refused.value.params == {"field": field}
    assert Member.objects.count() == 1
    assert Fact.objects.count() == facts


def test_an_external_id_may_repeat_at_another_source(db):
    join(source="one", external_id="17", now=NOON)
    join(source="two", external_id="17", now=NOON)
    assert Member.objects.count() == 2


def test_a_known_phone_is_refused_while_index_keys_change(db, settings):
    ring = settings.KEYRING
    join(phone="13800001234", source="shop", now=NOON)
    settings.KEYRING = type(ring)(
        primary=ring.primary,
        keys=ring.keys,
        index_primary=9,
        index_keys={**ring.index_keys, 9: bytes(range(32))},
    )

    with pytest.raises(AlreadyMember):
        join(phone="13800001234", source="shop", now=NOON)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"phone": "12"}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"birthday": "1990-02-30"}, "birthday"),
        ({"birthday": "2030-01-01"}, "birthday"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(db, given, field):
    with pytest.raises(BadProfile) as refused:
        join(**given, source="shop", now=NOON)
    assert refused.value.params == {"field": field}
    assert not Member.objects.exists()
    assert not Fact.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_who_join_at_once_with_one_phone_one_succeeds():
    outcomes = []

    def attempt():
        try:
            join(phone="13800001234", source="shop", now=NOON)
            outcomes.append("joined")
        except AlreadyMember:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["joined"] + ["refused"] * 19
    assert Member.objects.filter(phone_is("13800001234")).count() == 1
    assert Fact.objects.count() == 1


def test_a_login_is_opened_once_and_holds_no_address(db):
    member = join(email="wang@example.com", source="import", now=NOON)

    user = open_login(member_id=member.pk)

    assert open_login(member_id=member.pk) == user
    assert User.objects.count() == 1
    assert not user.has_usable_password()
    address = EmailAddress.objects.get()
    assert (address.user, address.primary, address.verified) == (user, True, False)
    assert address.email == user.email == email_alias("WANG@example.com")
    assert Member.objects.get(email_is("wang@example.com")).user == user


def test_who_has_no_address_gets_no_login(db):
    member = join(phone="13800001234", source="import", now=NOON)
    with pytest.raises(NoAddress):
        open_login(member_id=member.pk)
    assert not User.objects.exists()
