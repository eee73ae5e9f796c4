"""Dates and times read the same for everybody, and fit into sentences."""

from datetime import UTC, datetime

import pytest
from django.utils import translation
from django.utils.formats import date_format

MOMENT = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)
SHOWN = {
    "en": {
        "DATE_FORMAT": "4 Mar 2026",
        "DATETIME_FORMAT": "4 Mar 2026, 09:05",
        "SHORT_DATE_FORMAT": "2026-03-04",
        "SHORT_DATETIME_FORMAT": "2026-03-04 09:05",
        "MONTH_DAY_FORMAT": "4 Mar",
        "YEAR_MONTH_FORMAT": "March 2026",
        "TIME_FORMAT": "09:05",
    },
    "zh-hans": {
        "DATE_FORMAT": "2026年3月4日",
        "DATETIME_FORMAT": "2026年3月4日 09:05",
        "TIME_FORMAT": "09:05",
    },
}


@pytest.mark.parametrize("language", SHOWN)
def test_a_date_is_of_no_country_and_ends_in_no_stop(language):
    with translation.override(language):
        shown = {name: date_format(MOMENT, name) for name in SHOWN[language]}
    assert shown == SHOWN[language]
