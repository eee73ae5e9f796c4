"""Returns: the table of moves and the last day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from orders.models import ReturnRequest
from orders.rules.returns import CLOSED, FAULTS, MOVES, may_move, return_ends_at

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: state -> states it may become, for goods sent back and for money alone.
SENT_BACK = {
    "requested": {"approved", "refused", "cancelled"},
    "approved": {"in_transit", "received", "cancelled"},
    "in_transit": {"received"},
    "received": {"inspected"},
    "inspected": {"refunded", "exchanged", "refused"},
}
MONEY_ONLY = {
    "requested": {"approved", "refused", "cancelled"},
    "approved": {"refunded", "cancelled"},
}


def test_the_table_knows_every_state():
    assert set(MOVES) == set(ReturnRequest.State.values)
    assert set(CLOSED) == {"refunded", "exchanged", "refused", "cancelled"}
    assert set(ReturnRequest.Reason.values) > FAULTS


@pytest.mark.parametrize("before", ReturnRequest.State.values)
@pytest.mark.parametrize("after", ReturnRequest.State.values)
def test_r16_every_move(before, after):
    allowed = after in SENT_BACK.get(before, set())
    assert may_move(before, after) is allowed
    if before in MONEY_ONLY:
        allowed = after in MONEY_ONLY[before]
        assert may_move(before, after, is_sent_back=False) is allowed


@pytest.mark.parametrize(
    ("_case", "delivered", "ends"),
    [
        # 23:30 on the 21st in Shanghai; 7 days on, the 28th counts whole.
        ("late at night", (21, 15, 30), (28, 16, 0)),
        # Half an hour later it is the 22nd there.
        ("after midnight", (21, 16, 0), (29, 16, 0)),
    ],
)
def test_r17_the_last_day_is_a_day_in_the_shops_zone(_case, delivered, ends):
    day, hour, minute = delivered
    at = datetime(2026, 11, day, hour, minute, tzinfo=UTC)
    day, hour, minute = ends
    assert return_ends_at(at, days=7, zone=SHANGHAI) == datetime(
        2026, 11, day, hour, minute, tzinfo=UTC
    )


def test_r17_what_is_not_delivered_cannot_be_out_of_time():
    assert return_ends_at(None, days=7, zone=SHANGHAI) is None
