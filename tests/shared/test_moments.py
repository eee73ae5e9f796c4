from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import localize
from hypothesis import given
from hypothesis import strategies as st

from crm.shared.moments import _parts, moment_text

OURS = [code for code, _name in settings.LANGUAGES]
#: With words between day and time, with seconds, and another way round.
OTHERS = ["es", "fr", "hu", "ja", "lv", "sv", "vi"]
ZONES = ["Asia/Shanghai", "Asia/Kathmandu", "UTC"]
#: From 1900 to 2198.
SECONDS = st.integers(-2_200_000_000, 7_200_000_000)


def as_django_does(moment: datetime) -> str:
    return localize(timezone.template_localtime(moment))


@pytest.mark.parametrize("language", OURS + OTHERS)
@given(seconds=SECONDS, zone=st.sampled_from(ZONES))
def test_a_moment_is_written_as_django_writes_it(language, seconds, zone):
    moment = datetime.fromtimestamp(seconds, UTC)
    with translation.override(language), timezone.override(ZoneInfo(zone)):
        assert moment_text(moment) == as_django_does(moment)


@pytest.mark.parametrize("language", OURS)
def test_noon_and_midnight(language):
    with translation.override(language), timezone.override(UTC):
        for hour in (0, 12):
            moment = datetime(2026, 3, 1, hour, tzinfo=UTC)
            assert moment_text(moment) == as_django_does(moment)


@pytest.mark.parametrize(
    ("formats", "parts"),
    [
        (("N j, Y, P", "N j, Y", "P"), ("N j, Y", ", ", "P")),
        (("Y年n月j日 H:i", "Y年n月j日", "H:i"), ("Y年n月j日", " ", "H:i")),
        # A second would be lost, a word be read as a format, an order be turned.
        (("Y-m-d H:i:s", "Y-m-d", "H:i:s"), None),
        ((r"j \d\e F \a \l\a\s G:i", r"j \d\e F", "G:i"), None),
        (("H:i Y-m-d", "Y-m-d", "H:i"), None),
    ],
)
def test_a_format_falls_into_its_parts_or_is_left_whole(formats, parts):
    assert _parts(*formats) == parts
