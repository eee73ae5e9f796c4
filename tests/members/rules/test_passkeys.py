import pytest

from members.rules.passkeys import (
    LONGEST_PASSKEY_NAME,
    bare_credential,
    counts_on,
    passkey_name,
)


@pytest.mark.parametrize(
    ("_case", "kept", "shown", "goes_on"),
    [
        ("does not count", 0, 0, True),
        ("begins to count", 0, 1, True),
        ("goes on", 7, 8, True),
        ("leaps", 7, 4_294_967_295, True),
        ("the same again", 7, 7, False),
        ("goes back", 7, 6, False),
        ("stops counting", 7, 0, False),
    ],
)
def test_a_counter_only_goes_on(_case, kept, shown, goes_on):
    assert counts_on(kept=kept, shown=shown) is goes_on


def test_names_are_one_line():
    assert passkey_name("  My \n key ") == "My key"
    assert passkey_name("x" * LONGEST_PASSKEY_NAME)


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * (LONGEST_PASSKEY_NAME + 1)])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ValueError, match=r"name|line"):
        passkey_name(name)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"credProps": {"rk": True, "x": 1}, "y": 2}, {"credProps": {"rk": True}}),
        ({"credProps": {"rk": "yes"}}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_of_a_credential_only_the_needed_is_kept(told, kept):
    given = {
        "id": "a",
        "rawId": "a",
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "response": {
            "clientDataJSON": "b",
            "attestationObject": "c",
            "transports": ["internal"],
        },
        "clientExtensionResults": told,
    }
    assert bare_credential(given) == {
        "id": "a",
        "rawId": "a",
        "type": "public-key",
        "response": {"clientDataJSON": "b", "attestationObject": "c"},
        "clientExtensionResults": kept,
    }
