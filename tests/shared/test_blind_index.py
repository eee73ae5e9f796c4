import hashlib
import hmac

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.blind_index import (
    blind,
    blind_lookup,
    blind_tokens_lookup,
    fingerprint,
    fingerprints,
)
from tests.shared.conftest import INDEX_KEYS

pytestmark = pytest.mark.usefixtures("use_keys")
PLACE = "shared_tests_person.phone_index"


def test_is_key_number_and_keyed_digest():
    expected = hmac.new(INDEX_KEYS[1], f"{PLACE}\0abc".encode(), hashlib.sha256)
    assert fingerprint("abc", PLACE) == b"\x01" + expected.digest()[:16]


@given(st.text(max_size=20), st.text(max_size=20))
def test_equal_exactly_when_the_text_is_equal(one, other):
    assert (fingerprint(one, PLACE) == fingerprint(other, PLACE)) == (one == other)


def test_two_columns_cannot_be_compared():
    assert fingerprint("138", PLACE) != fingerprint("138", "shared_tests_person.tail")


def test_one_fingerprint_per_key_newest_first(use_keys):
    use_keys(index_keys=(2, 1))
    assert [each[0] for each in fingerprints("138", PLACE)] == [2, 1]
    assert len({each[1:] for each in fingerprints("138", PLACE)}) == 2


def test_finds_whatever_normalises_to_the_same(people):
    person = people.objects.create(phone="138-0000 0000")
    people.objects.create(phone="13900000000")
    assert people.objects.get(blind_lookup(people, "phone_index", "13800000000")) == (
        person
    )


@pytest.mark.parametrize("text", ["", "abc", "1380000000", "138000000001"])
def test_finds_nobody_otherwise(people, text):
    people.objects.create(phone="13800000000")
    people.objects.create(phone=None)
    people.objects.create(phone="unknown")
    assert not people.objects.filter(blind_lookup(people, "phone_index", text)).exists()


def test_a_value_stands_once(people):
    people.objects.create(phone="13800000000")
    with pytest.raises(IntegrityError), transaction.atomic():
        people.objects.create(phone="138 0000 0000")
    assert people.objects.count() == 1


def test_many_may_have_none(people):
    people.objects.create(phone=None)
    people.objects.create(phone="")
    assert people.objects.filter(phone_index=None, phone__isnull=True).count() == 2


def test_finds_rows_of_every_index_key(people, use_keys):
    old = people.objects.create(name="Ann Lee", phone="1")
    use_keys(index_keys=(2, 1))
    new = people.objects.create(name="Ann Ray", phone="2")
    for number, person in (("1", old), ("2", new)):
        found = people.objects.filter(blind_lookup(people, "phone_index", number))
        assert list(found) == [person]
    ann = people.objects.filter(blind_tokens_lookup(people, "name_tokens", "ann"))
    assert set(ann) == {old, new}


def test_finds_by_all_parts_of_a_name(people):
    ann = people.objects.create(name="Ann Mary Lee")
    people.objects.create(name="Mary Ray")

    def found(text):
        return list(
            people.objects.filter(blind_tokens_lookup(people, "name_tokens", text))
        )

    assert found("mary LEE") == [ann]
    assert len(found("mary")) == 2
    assert found("mary ann ray") == []
    assert found("  ") == []
    assert found("") == []


def test_bulk_path_writes_what_saving_writes(people):
    person = people.objects.create(name="Ann Lee", phone="138 0000 0000")
    assert blind(people, "phone_index", "13800000000") == bytes(person.phone_index)
    assert blind(people, "name_tokens", "Lee ann") == person.name_tokens
    assert blind(people, "phone_index", None) is None
    assert blind(people, "name_tokens", None) == []
