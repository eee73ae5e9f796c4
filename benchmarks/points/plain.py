"""What the ledger is compared with: a plain account and its entries, three ways.

``one_statement`` is the limit: the least that moves a guarded balance and leaves a row.
``same_writes`` is the bare SQL of what one spending of ours leaves, by hand, knowing
what to write. Both are scripts for pgbench. ``django_f`` is what a team would write
with the ORM, ``expire`` the bare SQL of an expiry.
"""

import os
import re
import tempfile
import time
from pathlib import Path

from django.db import connection, models, transaction
from django.db.models import F

from crm.runner import postgres

CLIENTS = 8
#: Members are numbered from 1, so the script can draw one; lots are three each.
LOTS = 3

_ONE_STATEMENT = """
WITH moved AS (UPDATE benchmarks_plainaccount SET balance = balance - 1
                WHERE id = :member AND balance >= 1 RETURNING id)
INSERT INTO benchmarks_plainentry (account_id, amount, reason, reference, created_at)
SELECT id, -1, 'redeem', 'ref-123456', now() FROM moved;
"""
_SAME_WRITES = """
BEGIN;
UPDATE loyalty_pointsaccount SET balance = balance - 1, seq = seq + 1
 WHERE member_id = :member AND balance - held >= 1
RETURNING seq, balance - debt AS balance_after \\gset
INSERT INTO loyalty_pointsentry (
    public_id, account_id, seq, kind, points, balance_after, source, reason, actor,
    trace, occurred_at)
VALUES ('pte_' || gen_random_uuid(), :member, :seq, 'spend', -1, :balance_after,
        'bare:' || gen_random_uuid(), 'redeem', '', '{}', now())
RETURNING id AS entry \\gset
UPDATE loyalty_pointslot SET remaining = remaining - 1 WHERE id = :lot;
INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
VALUES (:entry, :lot, 1, 0, 0);
COMMIT;
"""
#: Everything an expiry leaves, in one statement, where nobody else is at work.
_EXPIRE = """
WITH ended AS MATERIALIZED (
    SELECT l.id, l.account_id, l.remaining, l.expires_at,
           row_number() OVER same AS nr, sum(l.remaining) OVER same AS so_far
      FROM (SELECT * FROM loyalty_pointslot
             WHERE expires_at <= now() AND is_open AND held = 0
             ORDER BY expires_at LIMIT %s) l
    WINDOW same AS (PARTITION BY l.account_id ORDER BY l.expires_at, l.id)
), entries AS (
    INSERT INTO loyalty_pointsentry (public_id, account_id, seq, kind, points,
                balance_after, source, reason, actor, trace, occurred_at)
    SELECT 'pte_' || gen_random_uuid(), e.account_id, a.seq + e.nr, 'expire',
           -e.remaining, a.balance - a.debt - e.so_far, 'lot:' || e.id, '', '', '{}',
           e.expires_at
      FROM ended e JOIN loyalty_pointsaccount a ON a.member_id = e.account_id
    RETURNING id, source, points
), lots AS (
    UPDATE loyalty_pointslot l SET remaining = 0 FROM ended e WHERE l.id = e.id
), accounts AS (
    UPDATE loyalty_pointsaccount a
       SET balance = a.balance - e.points, seq = a.seq + e.entries
      FROM (SELECT account_id, sum(remaining) AS points, count(*) AS entries
              FROM ended GROUP BY 1) e
     WHERE a.member_id = e.account_id
), taken AS (
    INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
    SELECT n.id, e.id, e.remaining, 0, 0
      FROM entries n JOIN ended e ON n.source = 'lot:' || e.id
)
SELECT count(*) FROM ended
"""
SCRIPTS = {"one_statement": _ONE_STATEMENT, "same_writes": _SAME_WRITES}
_FILL = """
INSERT INTO benchmarks_plainaccount (id, balance)
SELECT n, 1000000000 FROM generate_series(1, %s) AS n
"""


class PlainAccount(models.Model):
    """A balance."""

    id = models.BigIntegerField(primary_key=True)
    balance = models.BigIntegerField()

    class Meta:
        app_label = "benchmarks"
        managed = False

    def __str__(self):
        return str(self.balance)


class PlainEntry(models.Model):
    """A movement, found by its account."""

    account = models.ForeignKey(PlainAccount, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    reason = models.CharField(max_length=40)
    reference = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmarks"
        managed = False

    def __str__(self):
        return str(self.amount)


def open_tables(members: int) -> None:
    """Make and fill the peers' tables."""
    with connection.schema_editor() as editor:
        editor.create_model(PlainAccount)
        editor.create_model(PlainEntry)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [members])


def django_f(member_id: int, _nr: str) -> None:
    """Spend a point the way Django's documentation shows."""
    with transaction.atomic():
        accounts = PlainAccount.objects.filter(pk=member_id, balance__gte=1)
        if not accounts.update(balance=F("balance") - 1):
            raise ValueError("too few points")
        PlainEntry.objects.create(
            account_id=member_id, amount=-1, reason="redeem", reference="ref-123456"
        )


def pgbench(script: str, *, members: int, first_lot: int, seconds: int) -> float:
    """Run a script of ``SCRIPTS`` with eight clients; return transactions a second.

    Args:
        members: how many there are to draw from; 1 makes one hot member.
        first_lot: key of the first lot of the first member.
    """
    server = postgres.server_of(Path(os.environ["CRM_DATA_DIR"]))
    drawn = f"\\set member random(1, {members})\n"
    drawn += f"\\set lot {first_lot} + (:member - 1) * {LOTS}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        os.chmod(file.name, 0o644)
        file.write(drawn + SCRIPTS[script])
        file.flush()
        said = server.programs.run(
            *("pgbench", "-n", "-M", "prepared", "-c", CLIENTS, "-j", 2),
            *("-T", seconds, "-f", file.name, server.url()),
        )
    found = re.search(r"tps = ([\d.]+)", said.stdout)
    if found is None:
        raise SystemExit(said.stderr)
    return float(found.group(1))


def expire(limit: int) -> float:
    """Book that lots have ended, by one statement; return entries a second."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, [limit])
        (booked,) = cursor.fetchone()
    return booked / (time.perf_counter() - started)
