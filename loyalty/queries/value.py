"""What the shop looks like by the scores of its buyers, read from one row a month."""

from dataclasses import dataclass

from loyalty.models import RfmSegment, ScoreMonth
from loyalty.rules.rfm import BEST, SEGMENT_CODES, SEGMENTS

_WHOLE_BP = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """So many buyers and what they spent; shares of all in basis points."""

    label: str
    buyers: int
    net_minor: int
    buyers_bp: int
    net_bp: int


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one recency score, by worth 1 to 5."""

    recency: int
    cells: list[Share]


def newest_month() -> ScoreMonth | None:
    """Return the month that was scored last, or None before the first night."""
    return ScoreMonth.objects.order_by("-month").first()


def grid_of(month: ScoreMonth) -> list[Row]:
    """Return five rows of five cells, the most recent buyers first."""
    found = {(cell[0], cell[1]): (cell[2], cell[3]) for cell in month.grid}
    spent = _spent(month)
    return [
        Row(
            recency,
            [
                _share(code, *found.get((recency, worth), (0, 0)), month.buyers, spent)
                for worth, code in enumerate(SEGMENTS[recency], start=1)
            ],
        )
        for recency in range(BEST, 0, -1)
    ]


def segments_of(month: ScoreMonth) -> list[Share]:
    """Return every segment with who is in it, best first."""
    sums = dict.fromkeys(SEGMENT_CODES, (0, 0))
    for recency, worth, buyers, net in month.grid:
        code = SEGMENTS[recency][worth - 1]
        sums[code] = (sums[code][0] + buyers, sums[code][1] + net)
    spent = _spent(month)
    return [_share(code, *sums[code], month.buyers, spent) for code in SEGMENT_CODES]


def _spent(month: ScoreMonth) -> int:
    return sum(cell[3] for cell in month.grid)


def _share(code: str, buyers: int, net: int, all_buyers: int, spent: int) -> Share:
    return Share(
        label=str(RfmSegment(code).label),
        buyers=buyers,
        net_minor=net,
        buyers_bp=buyers * _WHOLE_BP // all_buyers if all_buyers else 0,
        # Returns may outweigh purchases; then there is no share to tell.
        net_bp=net * _WHOLE_BP // spent if spent > 0 else 0,
    )
