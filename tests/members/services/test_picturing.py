import base64

import pytest

from crm.shared.pictures import BadPicture
from members.models import Avatar
from members.rules.pictures import kind_of
from members.services.picturing import remove_avatar, set_avatar
from tests.cast import NOON
from tests.members.people import dump
from tests.members.pictures import picture


def test_a_picture_replaces_the_one_before_under_another_name(alice, bob):
    first = set_avatar(member_id=alice.pk, data=picture("PNG"), now=NOON)
    second = set_avatar(member_id=alice.pk, data=picture("JPEG"), now=NOON)
    set_avatar(member_id=bob.pk, data=picture("WEBP"), now=NOON)
    kept = Avatar.objects.get(member=alice)
    assert kept.public_id == second.public_id != first.public_id
    assert kind_of(base64.b64decode(kept.picture)) == "WEBP"
    assert remove_avatar(member_id=alice.pk) is True
    assert remove_avatar(member_id=alice.pk) is False
    assert Avatar.objects.get().member == bob


def test_a_picture_is_encrypted(alice):
    avatar = set_avatar(member_id=alice.pk, data=picture(), now=NOON)
    plain = avatar.picture.encode()
    for place, content in dump().items():
        assert plain not in content, place
        assert base64.b64decode(plain) not in content, place


def test_what_is_no_picture_leaves_the_one_before(alice):
    before = set_avatar(member_id=alice.pk, data=picture(), now=NOON)
    with pytest.raises(BadPicture):
        set_avatar(member_id=alice.pk, data=b"<svg/>", now=NOON)
    assert Avatar.objects.get() == before
