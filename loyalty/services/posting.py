"""The only writer of the points ledger: locks accounts, writes books.

A caller locks, moves a ``Book`` by the rules, and posts it. However many movements
and members, ``post`` is one statement.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from crm.shared.errors import Refusal
from crm.shared.planned import planned_cursor
from loyalty.models import PointsAccount, PointsEntry, PointsLot
from loyalty.queries.tiers import base_tier
from loyalty.rules.ledger import Book, Movement
from loyalty.rules.lots import Lot
from members.queries import standing_id

#: Rows per INSERT of large batches.
_BATCH = 2_000

#: Keys are drawn first and in the order of the movements (``nr``), so that lots, takes
#: and corrections can name entries of the same batch. New lots are inserted as they
#: stand in the end; only older ones are changed.
_POST = """
WITH moves AS MATERIALIZED (
    SELECT nextval('loyalty_pointsentry_id_seq') AS id, t.*
      FROM json_to_recordset(%(moves)s) AS t (
           nr int, public_id text, account_id bigint, seq bigint, kind text,
           points bigint, balance_after bigint, source text, reason_code text,
           reason text, actor text, trace jsonb, reverses_id bigint, reverses_nr int,
           occurred_at timestamptz)
), opened AS MATERIALIZED (
    SELECT nextval('loyalty_pointslot_id_seq') AS id, t.*
      FROM json_to_recordset(%(opened)s) AS t (
           nr int, account_id bigint, granted bigint, remaining bigint, held bigint,
           active_at timestamptz, expires_at timestamptz)
), written AS (
    INSERT INTO loyalty_pointsentry (
        id, public_id, account_id, seq, kind, points, balance_after, source,
        reason_code, reason, actor, trace, reverses_id, occurred_at)
    SELECT m.id, m.public_id, m.account_id, m.seq, m.kind, m.points, m.balance_after,
           m.source, m.reason_code, m.reason, m.actor, m.trace,
           coalesce(m.reverses_id, r.id), m.occurred_at
      FROM moves m LEFT JOIN moves r ON r.nr = m.reverses_nr
), lots AS (
    INSERT INTO loyalty_pointslot (
        id, account_id, entry_id, granted, remaining, held, active_at, expires_at)
    SELECT o.id, o.account_id, m.id, o.granted, o.remaining, o.held, o.active_at,
           o.expires_at
      FROM opened o JOIN moves m USING (nr)
), accounts AS (
    UPDATE loyalty_pointsaccount a
       SET balance = c.balance, held = c.held, debt = c.debt, seq = c.seq,
           lifetime_earned = c.lifetime_earned
      FROM json_to_recordset(%(accounts)s) AS c (
           member_id bigint, balance bigint, held bigint, debt bigint, seq bigint,
           lifetime_earned bigint)
     WHERE a.member_id = c.member_id
), changed AS (
    UPDATE loyalty_pointslot l
       SET remaining = c.remaining, held = c.held,
           asked_back = least(l.asked_back, c.remaining - c.held)
      FROM json_to_recordset(%(changed)s) AS c (
           id bigint, remaining bigint, held bigint)
     WHERE l.id = c.id
), taken AS (
    INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
    SELECT m.id, coalesce(t.lot_id, o.id), t.points, 0, 0
      FROM json_to_recordset(%(takes)s) AS t (
           nr int, lot_id bigint, lot_nr int, points bigint)
      JOIN moves m USING (nr) LEFT JOIN opened o ON o.nr = t.lot_nr
), back AS (
    UPDATE loyalty_lottake t SET returned = c.returned, restored = c.restored
      FROM json_to_recordset(%(back)s) AS c (
           id bigint, returned bigint, restored bigint)
     WHERE t.id = c.id
)
SELECT m.id, o.id, coalesce(m.reverses_id, r.id)
  FROM moves m LEFT JOIN opened o USING (nr)
  LEFT JOIN moves r ON r.nr = m.reverses_nr
 ORDER BY m.nr
"""
_ACCOUNT = ("member_id", "balance", "held", "debt", "seq", "lifetime_earned")
_LOT = ("granted", "remaining", "held", "active_at", "expires_at")
_ENTRY = (
    *("seq", "kind", "points", "balance_after"),
    *("source", "reason_code", "reason", "actor", "trace", "occurred_at"),
)


class NotEnoughPoints(Refusal):
    """There are not that many points to spend."""

    code = "insufficient_points"


class PointsFrozen(Refusal):
    """The points of this member are frozen."""

    code = "points_frozen"


def locked_account(*, member_id: int, now: datetime) -> PointsAccount:
    """Return a member's account, locked; open it if there is none (X2).

    The lock makes one change of a member's points at a time. A paid order may come
    before the account, so whoever comes first opens it. Where a merge came between,
    the account of who stayed is returned (P28).
    """
    accounts = PointsAccount.objects.select_for_update(no_key=True)
    account = accounts.filter(member_id=member_id).first()
    if account is None:
        open_accounts(member_ids=[member_id], now=now)
        account = accounts.get(member_id=member_id)
    stays = standing_id(member_id) if account.merged_with else member_id
    return account if stays == member_id else locked_account(member_id=stays, now=now)


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
        term_stopped_at=account.term_stopped_at,
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
        asked_back=row.asked_back,
        id=row.pk,
    )


def lots_left(*, member_id: int) -> list[Lot]:
    """Return the lots of a locked account that still hold something."""
    rows = PointsLot.objects.filter(account_id=member_id, is_open=True)
    return [lot_of(row) for row in rows]


@transaction.atomic(savepoint=False)
def post(books: Sequence[Book]) -> list[PointsEntry]:
    """Write what was moved in books of locked accounts; return the new entries."""
    moves = [move for book in books for move in book.movements]
    entries = [_entry(book, move) for book in books for move in book.movements]
    if not entries:
        return []
    rows = _rows(books, moves, entries)
    with planned_cursor() as cursor:
        cursor.execute(_POST, {name: _json(part) for name, part in rows.items()})
        keys = cursor.fetchall()
    for move, entry, (entry_id, lot_id, reverses_id) in zip(
        moves, entries, keys, strict=True
    ):
        move.entry_id = entry.pk = entry_id
        entry.reverses_id = reverses_id
        entry._state.adding = False
        if move.opens:
            move.opens.id = lot_id
    return entries


def post_one(book: Book, *, movement: Movement) -> PointsEntry:
    """Write one book; return the entry of ``movement``."""
    entries = {entry.seq: entry for entry in post([book])}
    return entries[movement.seq]


def _entry(book: Book, move: Movement) -> PointsEntry:
    return PointsEntry(
        account_id=book.member_id,
        seq=move.seq,
        kind=move.kind,
        points=move.points,
        balance_after=move.balance_after,
        source=move.source,
        reason_code=move.reason_code,
        reason=move.reason,
        actor=move.actor,
        trace=move.trace,
        occurred_at=move.occurred_at,
    )


def _rows(
    books: Sequence[Book], moves: Sequence[Movement], entries: Sequence[PointsEntry]
) -> dict[str, list[dict[str, Any]]]:
    """Return what each table gets, by the names ``_POST`` has for it."""
    numbers = {id(move): nr for nr, move in enumerate(moves)}
    openers = {id(move.opens): nr for nr, move in enumerate(moves) if move.opens}
    back = [spent for book in books for spent in book.given_back]
    touched = [take.lot for move in moves for take in move.takes]
    touched += [spent.lot for spent in back]
    older = {id(lot): lot for lot in touched if id(lot) not in openers}
    return {
        "moves": [
            _move_row(move, entry, numbers)
            for move, entry in zip(moves, entries, strict=True)
        ],
        "opened": [
            _named(
                move.opens, "granted", "remaining", "held", "active_at", "expires_at"
            )
            | {"nr": nr, "account_id": entry.account_id}
            for nr, (move, entry) in enumerate(zip(moves, entries, strict=True))
            if move.opens
        ],
        "changed": [_named(lot, "id", "remaining", "held") for lot in older.values()],
        "takes": [
            {"nr": nr, "points": take.points}
            | {"lot_id": take.lot.id, "lot_nr": openers.get(id(take.lot))}
            for nr, move in enumerate(moves)
            for take in move.takes
        ],
        "back": [_named(spent, "id", "returned", "restored") for spent in back],
        "accounts": [_named(book, *_ACCOUNT) for book in books if book.movements],
    }


def _move_row(
    move: Movement, entry: PointsEntry, numbers: Mapping[int, int]
) -> dict[str, Any]:
    row = _named(entry, "public_id", "account_id", *_ENTRY)
    row["nr"] = numbers[id(move)]
    reverses = move.reverses
    if isinstance(reverses, Movement):
        row["reverses_nr"] = numbers.get(id(reverses))
        reverses = reverses.entry_id
    row["reverses_id"] = reverses
    return row


def _named(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, default=datetime.isoformat)
