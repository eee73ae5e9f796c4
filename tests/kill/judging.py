"""What the ledger must say after a run with faults, judged from its own rows.

Callers write down what they were told; the number of an entry in its account is the
claimed order of events, so stale answers are found by comparing numbers (R1, R2).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Kinds that nothing but an acknowledged deed may have written.
_TOLD_KINDS = {"grant", "spend", "claw_back", "return", "reinstate"}
#: Begins the sources of entries that the ledger writes by itself.
_DEBT = "debt:"
#: Kinds that must not leave less than nothing behind.
_SPENDING_KINDS = {"spend", "gift"}
ANY = None


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is written."""

    id: str
    account: str
    kind: str
    source: str
    points: int
    seq: int
    balance_after: int
    #: By how much it changed the debt; ``balance_after`` is less what is owed.
    owed: int = 0


@dataclass(frozen=True, slots=True)
class Deed:
    """An entry that an answer promised, once; ``ANY`` where it told no number."""

    account: str
    kind: str
    source: str
    points: int | None


@dataclass(frozen=True, slots=True)
class Gift:
    """Points that an answer said went over; the rows of it share a source."""

    giver: str
    taker: str
    points: int


@dataclass(frozen=True, slots=True)
class Read:
    """The newest entry an answer showed, and those known to be written before it."""

    account: str
    known: Sequence[str]
    newest: str


def judge(
    *,
    rows: Sequence[Row],
    balances: Mapping[str, int],
    deeds: Iterable[Deed],
    gifts: Iterable[Gift],
    reads: Iterable[Read],
) -> list[str]:
    """Return one sentence per fault; its first word is the kind of fault.

    Args:
        rows: every entry of the accounts that were used.
        balances: account -> balance less debt, as its row says.
    """
    return [
        *_against_deeds(rows, list(deeds)),
        *_against_gifts(rows, gifts),
        *_sums(rows, balances),
        *_stale(rows, reads),
    ]


def _against_deeds(rows: Sequence[Row], deeds: list[Deed]) -> list[str]:
    written = defaultdict(list)
    for row in rows:
        written[row.account, row.kind, row.source].append(row.points)
    found = []
    for deed in set(deeds):
        points = written.get((deed.account, deed.kind, deed.source), [])
        if not points:
            found.append(f"lost: {deed}")
        elif len(points) > 1:
            found.append(f"doubled: {deed} {points}")
        elif deed.points not in (ANY, points[0]):
            found.append(f"altered: {deed} {points}")
    promised = {(deed.account, deed.kind, deed.source) for deed in deeds}
    found += [
        f"phantom: {key}"
        for key, points in written.items()
        if key[1] in _TOLD_KINDS and key not in promised and not _pays_debt(key, points)
    ]
    return found


def _pays_debt(key: tuple[str, str, str], points: Sequence[int]) -> bool:
    """Whether an entry says that points that became free paid debt: it moves none."""
    _account, _kind, source = key
    return source.startswith(_DEBT) and not any(points)


def _against_gifts(rows: Sequence[Row], gifts: Iterable[Gift]) -> list[str]:
    by_source: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.kind == "gift":
            by_source[row.source][row.account] += row.points
    found, written = [], Counter[Gift]()
    for source, sums in by_source.items():
        sides = sorted(sums, key=lambda account: sums[account])
        if len(sides) != 2 or sum(sums.values()):
            found.append(f"unbalanced: {source} {dict(sums)}")
        else:
            written[Gift(sides[0], sides[1], sums[sides[1]])] += 1
    told = Counter(gifts)
    found += [f"lost: {gift}" for gift in told - written]
    found += [f"doubled: {gift}" for gift in written - told]
    return found


def _sums(rows: Sequence[Row], balances: Mapping[str, int]) -> list[str]:
    found = []
    so_far: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    debts: Counter[str] = Counter()
    for row in sorted(rows, key=lambda row: (row.account, row.seq)):
        so_far[row.account] += row.points
        numbers[row.account] += 1
        debts[row.account] += row.owed
        if row.seq != numbers[row.account]:
            found.append(f"unbalanced: {row} is not number {numbers[row.account]}")
        if row.balance_after != so_far[row.account]:
            found.append(f"unbalanced: {row} after {so_far[row.account]}")
        # What was set aside in time is spent, though points are owed since.
        has_spent = row.kind in _SPENDING_KINDS and row.points < 0
        if has_spent and row.balance_after + debts[row.account] < 0:
            found.append(f"overspent: {row}")
    found += [
        f"unbalanced: {account} has {balance}, its entries make {so_far[account]}"
        for account, balance in balances.items()
        if balance != so_far[account]
    ]
    return found


def _stale(rows: Sequence[Row], reads: Iterable[Read]) -> list[str]:
    numbers = {row.id: row.seq for row in rows}
    return [
        f"stale: {read.newest} of {read.account}"
        for read in reads
        if numbers.get(read.newest, 0)
        < max((numbers.get(known, 0) for known in read.known), default=0)
    ]
