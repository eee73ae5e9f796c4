import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.encryption import DecryptionFailed, decrypt, encrypt, key_number

PLACE = "members_member.phone|mem_1"

pytestmark = pytest.mark.usefixtures("use_keys")


@given(st.text())
def test_opens_what_it_sealed(text):
    assert decrypt(encrypt(text, PLACE), PLACE) == text


def test_never_seals_the_same_twice():
    assert len({encrypt("13800000000", PLACE) for _ in range(1000)}) == 1000


def test_layout_is_version_key_nonce_ciphertext_tag():
    blob = encrypt("abc", PLACE)
    assert blob[0] == 1
    assert key_number(blob) == 1
    assert len(blob) == 1 + 1 + 12 + 3 + 16
    assert b"abc" not in blob


def test_any_flipped_bit_is_refused():
    blob = encrypt("王伟", PLACE)
    for position in range(len(blob)):
        for bit in range(8):
            changed = bytearray(blob)
            changed[position] ^= 1 << bit
            with pytest.raises(DecryptionFailed):
                decrypt(bytes(changed), PLACE)


def test_any_truncation_and_extension_is_refused():
    blob = encrypt("13800000000", PLACE)
    for length in range(len(blob)):
        with pytest.raises(DecryptionFailed):
            decrypt(blob[:length], PLACE)
    with pytest.raises(DecryptionFailed):
        decrypt(blob + b"\0", PLACE)


@pytest.mark.parametrize(
    "place",
    [
        "members_member.phone|mem_2",
        "members_member.email|mem_1",
        "members_note.phone|mem_1",
        "",
    ],
)
def test_a_moved_value_is_refused(place):
    blob = encrypt("13800000000", PLACE)
    with pytest.raises((DecryptionFailed, ValueError)):
        decrypt(blob, place)


def test_plain_text_is_no_sealed_value():
    with pytest.raises(DecryptionFailed, match="no sealed value"):
        decrypt(b"13800000000 and so on and so on", PLACE)


def test_a_missing_key_is_named_and_nothing_else(use_keys):
    use_keys(keys=(2, 1))
    blob = encrypt("13800000000", PLACE)
    use_keys(keys=(1,))
    with pytest.raises(DecryptionFailed) as failure:
        decrypt(blob, PLACE)
    assert str(failure.value) == f"{PLACE}: encryption key 2 is missing."


def test_another_key_of_the_same_number_does_not_open(use_keys, settings):
    blob = encrypt("13800000000", PLACE)
    settings.KEYRING.keys[1] = bytes(32)
    with pytest.raises(DecryptionFailed, match="does not open with key 1"):
        decrypt(blob, PLACE)


def test_old_keys_still_open(use_keys):
    old = encrypt("old", PLACE)
    use_keys(keys=(2, 1))
    new = encrypt("new", PLACE)
    assert (key_number(old), key_number(new)) == (1, 2)
    assert (decrypt(old, PLACE), decrypt(new, PLACE)) == ("old", "new")


@pytest.mark.parametrize("value", [None, 13800000000, b"138"])
def test_only_text_is_sealed(value):
    with pytest.raises(TypeError):
        encrypt(value, PLACE)


def test_a_value_must_have_a_place():
    with pytest.raises(ValueError, match="bound to a place"):
        encrypt("x", "")
