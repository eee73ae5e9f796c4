from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.consent import (
    agent_family,
    channels_meant,
    is_granted,
    is_text_version,
    may_send_again,
    needs_second_step,
    network_of,
    text_digest,
)
from members.rules.invitations import CODE_ALPHABET, CODE_LENGTH, tidy_code
from tests.cast import NOON


@pytest.mark.parametrize(
    ("spoken", "allowed"),
    [
        ({}, False),
        ({"any": True}, True),
        ({"any": False}, False),
        ({"any": True, "sms": False}, False),
        ({"any": False, "sms": True}, True),
        ({"email": True}, False),
    ],
)
def test_a_word_about_the_channel_counts_before_one_about_any(spoken, allowed):
    assert is_granted(spoken, "sms") is allowed


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        (" 203.0.113.77 ", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:aaaa:bbbb:1:2:3:4", "2001:db8:aaaa::/48"),
        ("", ""),
        ("unix:", ""),
        ("203.0.113.77, 10.0.0.1", ""),
    ],
)
def test_an_address_is_cut_to_its_network(address, network):
    assert network_of(address) == network


@given(st.ip_addresses())
def test_a_network_never_tells_the_address(ip):
    network = network_of(str(ip))
    assert len(network) <= 50
    assert network.endswith(("/24", "/48"))


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/130.0 Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) MicroMessenger/8.0.50",
            "WeChat, iOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537 Edg/130",
            "Edge, Windows",
        ),
        ("curl/8.5", ""),
        ("", ""),
    ],
)
def test_a_browser_is_its_family(agent, family):
    assert agent_family(agent) == family


def test_a_digest_changes_with_every_part():
    parts = ("marketing", "1", "en", "May we?")
    same = text_digest(*parts)
    assert len(same) == 32
    assert same == text_digest(*parts)
    for n in range(4):
        other = list(parts)
        other[n] += "x"
        assert text_digest(*other) != same
    assert text_digest("a", "bc", "en", "x") != text_digest("ab", "c", "en", "x")


@pytest.mark.parametrize(
    ("sends", "seconds", "may"),
    [(1, 59, False), (1, 60, True), (2, 60, True), (3, 3600, False)],
)
def test_a_link_is_sent_again_within_bounds(sends, seconds, may):
    now = NOON + timedelta(seconds=seconds)
    assert may_send_again(sends=sends, last_sent_at=NOON, now=now) is may


def test_only_messages_are_asked_for_twice():
    both = {"email", "sms"}
    assert needs_second_step("marketing", "email", both)
    assert not needs_second_step("marketing", "email", {"sms"})
    assert not needs_second_step("profiling", "email", both)
    assert channels_meant("marketing", "any", both) == ["email", "sms", "in_app"]
    assert channels_meant("marketing", "any", set()) == ["any"]
    assert channels_meant("marketing", "sms", both) == ["sms"]


@pytest.mark.parametrize(
    ("text", "is_version"),
    [("2026-11", True), ("v1.2_b", True), ("", False), ("a b", False), ("é", False)],
)
def test_a_version_is_one_plain_word(text, is_version):
    assert is_text_version(text) is is_version


@given(st.text(alphabet=CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_a_code_is_read_however_it_is_typed(code):
    typed = code.replace("0", "o").replace("1", "l").lower()
    assert tidy_code(f" {typed[:4]} {typed[4:]}- ") == code


@given(st.text())
def test_what_is_no_code_is_nothing(text):
    tidy = tidy_code(text)
    assert tidy == "" or (len(tidy) == CODE_LENGTH and set(tidy) <= set(CODE_ALPHABET))
