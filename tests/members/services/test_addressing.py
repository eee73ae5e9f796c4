import threading

import pytest
from django.db import IntegrityError, connection, transaction

from members.models import Address
from members.models.address import MOST_ADDRESSES
from members.services.addressing import (
    AddressGone,
    TooManyAddresses,
    add_address,
    change_address,
    remove_address,
)
from members.services.checking import BadProfile
from tests.cast import NOON, make_member
from tests.members.people import dump, later

HOME = {
    "recipient": "王静",
    "phone": "138 0000 1234",
    "country": "CN",
    "province": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "street": "文三路 1 号",
    "postcode": "310012",
    "label": "家",
}


def add(member, *, is_default=False, at=NOON, **lines):
    return add_address(
        member_id=member.pk, lines={**HOME, **lines}, is_default=is_default, now=at
    )


def defaults(member) -> list[str]:
    return [
        each.street for each in Address.objects.filter(member=member, is_default=True)
    ]


def test_an_address_is_kept_tidy_and_encrypted(alice):
    add(alice, street="  文三路  1 号 ")
    kept = Address.objects.get()
    assert (kept.recipient, kept.phone, kept.street) == (
        "王静",
        "+8613800001234",
        "文三路 1 号",
    )
    assert (kept.slot, kept.is_default, kept.created_at) == (1, True, NOON)
    for place, content in dump().items():
        for secret in (
            "王静",
            "13800001234",
            "浙江省",
            "杭州市",
            "西湖区",
            "文三路",
            "310012",
        ):
            assert secret.encode() not in content, place


def test_the_first_is_the_default_and_only_naming_another_moves_it(alice):
    first = add(alice, street="one")
    second = add(alice, street="two")
    assert defaults(alice) == ["one"]
    change_address(
        member_id=alice.pk, public_id=second.public_id, lines={}, is_default=True
    )
    assert defaults(alice) == ["two"]
    change_address(
        member_id=alice.pk, public_id=second.public_id, lines={"city": "宁波市"}
    )
    assert defaults(alice) == ["two"]
    add(alice, street="three", is_default=True)
    assert defaults(alice) == ["three"]
    assert Address.objects.get(pk=first.pk).is_default is False


def test_the_default_passes_to_the_oldest(alice):
    first = add(alice, street="one")
    add(alice, street="two", at=later(days=1))
    add(alice, street="three", at=later(days=2))
    remove_address(member_id=alice.pk, public_id=first.public_id)
    assert defaults(alice) == ["two"]
    # The free slot is used again, by the newest.
    again = add(alice, street="four", at=later(days=3))
    assert again.slot == 1


def test_null_clears_and_what_is_not_named_stays(alice):
    address = add(alice)
    change_address(
        member_id=alice.pk,
        public_id=address.public_id,
        lines={"phone": None, "label": "", "postcode": None},
    )
    kept = Address.objects.get()
    assert (kept.phone, kept.label, kept.postcode, kept.city) == (
        None,
        None,
        None,
        "杭州市",
    )


@pytest.mark.parametrize(
    "lines",
    [
        {"recipient": " "},
        {"street": ""},
        {"street": "x" * 201},
        {"country": "cn"},
        {"country": "CHN"},
        {"country": ""},
        {"phone": "12"},
        {"city": "a\x00b"},
    ],
)
def test_a_bad_line_is_refused_and_nothing_is_kept(alice, lines):
    with pytest.raises(BadProfile):
        add(alice, **lines)
    assert not Address.objects.exists()
    address = add(alice)
    with pytest.raises(BadProfile):
        change_address(
            member_id=alice.pk,
            public_id=address.public_id,
            lines=lines,
            is_default=True,
        )
    kept = Address.objects.get()
    assert (kept.street, kept.country, kept.city) == ("文三路 1 号", "CN", "杭州市")


def test_nobody_touches_the_address_of_somebody_else(alice, mallory):
    address = add(alice)
    with pytest.raises(AddressGone):
        change_address(
            member_id=mallory.pk, public_id=address.public_id, lines={"city": "x"}
        )
    with pytest.raises(AddressGone):
        remove_address(member_id=mallory.pk, public_id=address.public_id)
    assert Address.objects.get().city == "杭州市"


def test_the_limit_stands_in_the_database_too(alice):
    for _each in range(MOST_ADDRESSES):
        add(alice)
    with pytest.raises(TooManyAddresses):
        add(alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Address.objects.create(
            member=alice,
            slot=MOST_ADDRESSES + 1,
            recipient="x",
            street="x",
            country="CN",
            created_at=NOON,
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Address.objects.filter(member=alice).update(is_default=True)
    assert Address.objects.count() == MOST_ADDRESSES


@pytest.mark.django_db(transaction=True)
def test_many_at_once_fill_the_slots_and_no_more():
    member = make_member(1)
    for _each in range(MOST_ADDRESSES - 3):
        add(member)
    refused, start = [], threading.Barrier(8)

    def one_more():
        try:
            start.wait()
            add(member, is_default=True)
        except TooManyAddresses:
            refused.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=one_more) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 5
    slots = Address.objects.order_by("slot").values_list("slot", flat=True)
    assert list(slots) == list(range(1, MOST_ADDRESSES + 1))
    assert len(defaults(member)) == 1
