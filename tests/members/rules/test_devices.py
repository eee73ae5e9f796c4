import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.rules.devices import LONGEST_DEVICE, caller_of, device_name, network_of


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("", ""),
        ("curl/8.5.0", ""),
        ("okhttp/4.12 Android 15; Pixel 9 SN-12345", "Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148"
            " MicroMessenger/8.0.50 Safari/604.1",
            "WeChat, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537 Edg/140",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537", "Chrome, Linux"),
        ("Mozilla/5.0 (Macintosh; Mac OS X 15) Version/18 Safari/605", "Safari, Mac"),
    ],
)
def test_a_device_is_named_in_words(agent, name):
    assert device_name(agent) == name


@given(st.text(max_size=2000))
def test_whatever_is_sent_the_name_is_short_and_ours(agent):
    assert len(device_name(agent)) <= LONGEST_DEVICE


@pytest.mark.parametrize(
    ("address", "network", "caller"),
    [
        ("203.0.113.77", "203.0.113.0/24", "203.0.113.77/32"),
        ("::ffff:203.0.113.77", "203.0.113.0/24", "203.0.113.77/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48", "2001:db8:1:2::/64"),
        ("", "", ""),
        ("nonsense", "", ""),
    ],
)
def test_addresses_are_cut(address, network, caller):
    assert (network_of(address), caller_of(address)) == (network, caller)
