"""The only writer of the points ledger: locks accounts, writes books.

A caller locks, moves a ``Book`` by the rules, and posts it. However many movements
and members, ``post`` is four statements: entries, lots, takes with their lots, and
balances (one more where spent points came back).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from crm.shared.copying import insert_rows
from crm.shared.errors import Refusal
from loyalty.models import PointsAccount, PointsEntry, PointsLot
from loyalty.queries.tiers import base_tier
from loyalty.rules.ledger import Book, Movement
from loyalty.rules.lots import Lot

#: Rows per INSERT of large batches.
_BATCH = 2_000

#: New lots are inserted as they stand in the end; only older ones are changed.
_WRITE_TAKES = """
WITH changed AS (
    UPDATE loyalty_pointslot l SET remaining = c.remaining, held = c.held
      FROM unnest(%(lots)s::bigint[], %(remaining)s::bigint[], %(held)s::bigint[])
        AS c (id, remaining, held)
     WHERE l.id = c.id
    RETURNING l.id
)
INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
SELECT entry_id, lot_id, points, 0, 0
  FROM unnest(%(entries)s::bigint[], %(taken_from)s::bigint[], %(points)s::bigint[])
    AS t (entry_id, lot_id, points)
"""
_GIVE_BACK = """
UPDATE loyalty_lottake t SET returned = c.returned, restored = c.restored
  FROM unnest(%(ids)s::bigint[], %(returned)s::bigint[], %(restored)s::bigint[])
    AS c (id, returned, restored)
 WHERE t.id = c.id
"""
_WRITE_ACCOUNTS = """
UPDATE loyalty_pointsaccount a
   SET balance = c.balance, held = c.held, debt = c.debt, seq = c.seq,
       lifetime_earned = c.earned
  FROM unnest(%(ids)s::bigint[], %(balance)s::bigint[], %(held)s::bigint[],
              %(debt)s::bigint[], %(seq)s::bigint[], %(earned)s::bigint[])
    AS c (id, balance, held, debt, seq, earned)
 WHERE a.member_id = c.id
"""
_ENTRY_IDS = """
SELECT nextval(pg_get_serial_sequence('loyalty_pointsentry', 'id'))
  FROM generate_series(1, %s)
"""


class NotEnoughPoints(Refusal):
    """There are not that many points to spend."""

    code = "insufficient_points"


class PointsFrozen(Refusal):
    """The points of this member are frozen."""

    code = "points_frozen"


def locked_account(*, member_id: int, now: datetime) -> PointsAccount:
    """Return a member's account, locked; open it if there is none (X2).

    The lock makes one change of a member's points at a time. A paid order may come
    before the account, so whoever comes first opens it.
    """
    accounts = PointsAccount.objects.select_for_update(no_key=True)
    account = accounts.filter(member_id=member_id).first()
    if account is None:
        open_accounts(member_ids=[member_id], now=now)
        account = accounts.get(member_id=member_id)
    return account


def open_accounts(*, member_ids: Iterable[int], now: datetime) -> None:
    """Open accounts in the lowest tier; those that are open stay as they are."""
    tier = base_tier()
    PointsAccount.objects.bulk_create(
        (
            PointsAccount(member_id=member_id, tier=tier, tier_since=now)
            for member_id in sorted(set(member_ids))
        ),
        ignore_conflicts=True,
        batch_size=_BATCH,
    )


def book_of(account: PointsAccount, *, lots: Iterable[Lot] = ()) -> Book:
    """Return the book of a locked account with the lots that matter."""
    return Book(
        member_id=account.member_id,
        balance=account.balance,
        held=account.held,
        debt=account.debt,
        lifetime_earned=account.lifetime_earned,
        seq=account.seq,
        is_frozen=account.is_frozen,
        lots=list(lots),
    )


def lot_of(row: PointsLot) -> Lot:
    """Return a written lot as rules see it."""
    return Lot(
        granted=row.granted,
        remaining=row.remaining,
        active_at=row.active_at,
        expires_at=row.expires_at,
        held=row.held,
        id=row.pk,
    )


def lots_left(*, member_id: int) -> list[Lot]:
    """Return the lots of a locked account that still hold something."""
    rows = PointsLot.objects.filter(account_id=member_id, remaining__gt=0)
    return [lot_of(row) for row in rows]


@transaction.atomic(savepoint=False)
def post(books: Sequence[Book]) -> list[PointsEntry]:
    """Write what was moved in books of locked accounts; return the new entries."""
    moves = [(book, move) for book in books for move in book.movements]
    entries = _write_entries(moves)
    _write_lots(moves)
    _write_takes(books, [move for _, move in moves])
    _write_returns(books)
    _write_accounts(books)
    return entries


def post_one(book: Book, *, movement: Movement) -> PointsEntry:
    """Write one book; return the entry of ``movement``."""
    entries = {entry.seq: entry for entry in post([book])}
    return entries[movement.seq]


def _write_entries(moves: Sequence[tuple[Book, Movement]]) -> list[PointsEntry]:
    if any(isinstance(move.reverses, Movement) for _, move in moves):
        # An entry names another of the same batch: ids are drawn beforehand.
        with connection.cursor() as cursor:
            cursor.execute(_ENTRY_IDS, [len(moves)])
            for (_, move), (entry_id,) in zip(moves, cursor.fetchall(), strict=True):
                move.entry_id = entry_id
    entries = [_entry(book, move) for book, move in moves]
    insert_rows(entries)
    for (_, move), entry in zip(moves, entries, strict=True):
        move.entry_id = entry.pk
    return entries


def _entry(book: Book, move: Movement) -> PointsEntry:
    reverses = move.reverses
    return PointsEntry(
        pk=move.entry_id,
        account_id=book.member_id,
        seq=move.seq,
        kind=move.kind,
        points=move.points,
        balance_after=move.balance_after,
        source=move.source,
        reason=move.reason,
        actor=move.actor,
        trace=move.trace,
        reverses_id=reverses.entry_id if isinstance(reverses, Movement) else reverses,
        occurred_at=move.occurred_at,
    )


def _write_lots(moves: Sequence[tuple[Book, Movement]]) -> None:
    opened = [(book, move) for book, move in moves if move.opens is not None]
    rows = [
        PointsLot(
            account_id=book.member_id,
            entry_id=move.entry_id,
            granted=move.opens.granted,
            remaining=move.opens.remaining,
            held=move.opens.held,
            active_at=move.opens.active_at,
            expires_at=move.opens.expires_at,
        )
        for book, move in opened
    ]
    insert_rows(rows)
    for (_, move), row in zip(opened, rows, strict=True):
        # Written already as they stand in the end.
        move.opens.id = row.pk


def _write_takes(books: Sequence[Book], moves: Sequence[Movement]) -> None:
    takes = [(move.entry_id, take) for move in moves for take in move.takes]
    fresh = {id(move.opens) for move in moves}
    touched = {id(take.lot): take.lot for _, take in takes} | {
        id(spent.lot): spent.lot for book in books for spent in book.given_back
    }
    older = [lot for key, lot in touched.items() if key not in fresh]
    if not takes and not older:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_TAKES,
            {
                "lots": [lot.id for lot in older],
                "remaining": [lot.remaining for lot in older],
                "held": [lot.held for lot in older],
                "entries": [entry_id for entry_id, _ in takes],
                "taken_from": [take.lot.id for _, take in takes],
                "points": [take.points for _, take in takes],
            },
        )


def _write_returns(books: Sequence[Book]) -> None:
    back = [spent for book in books for spent in book.given_back]
    if back:
        with connection.cursor() as cursor:
            cursor.execute(
                _GIVE_BACK,
                {
                    "ids": [spent.id for spent in back],
                    "returned": [spent.returned for spent in back],
                    "restored": [spent.restored for spent in back],
                },
            )


def _write_accounts(books: Sequence[Book]) -> None:
    moved = [book for book in books if book.movements]
    if not moved:
        return
    column = partial(_column, moved)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_ACCOUNTS,
            {
                "ids": column("member_id"),
                "balance": column("balance"),
                "held": column("held"),
                "debt": column("debt"),
                "seq": column("seq"),
                "earned": column("lifetime_earned"),
            },
        )


def _column(books: Sequence[Book], name: str) -> list[int]:
    return [getattr(book, name) for book in books]
