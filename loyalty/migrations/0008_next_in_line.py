"""Who waits for an account lets the next one go on before the log is on disk."""

from importlib import import_module

from django.db import migrations

_before = import_module("loyalty.migrations.0007_reason_codes_and_grace")

#: Asked by ``loyalty.services.redeeming``. Locks an account, looks whether this was done
#: before, chooses lots (P11) and writes: one round trip.
#:
#: ``spenders`` are the states of a membership that may spend (P14), read before the
#: account is locked, so that nobody waits for it; without them nobody is asked, as when
#: staff take points. A request that is made again after a merge finds what it did in an
#: account merged with this one (P4); nobody else pays for that look.
#:
#: Whoever ``flushes`` promises to have the log written to the disk after the commit, if
#: told that the account was ``awaited``, or that all was done already. Their commit then
#: does not wait for the disk, and those behind them wait so much less for the account.
_TAKE = """
CREATE FUNCTION loyalty_take_points(
    taken_from bigint, wanted bigint, as_kind text, cause text, moment timestamptz,
    why text, who text, outer_id text, spenders text[] DEFAULT NULL,
    code text DEFAULT '', flushes boolean DEFAULT false,
    OUT answer text, OUT entry bigint, OUT number bigint, OUT net bigint,
    OUT available bigint, OUT awaited boolean
) LANGUAGE plpgsql AS $$
DECLARE
    account record;
    first record;
    may boolean := spenders IS NULL OR EXISTS (
        SELECT FROM members_member WHERE id = taken_from AND state = ANY (spenders));
BEGIN
    SELECT seq, balance, debt, is_frozen, merged_with INTO account
      FROM loyalty_pointsaccount WHERE member_id = taken_from
       FOR NO KEY UPDATE SKIP LOCKED;
    awaited := NOT FOUND;
    IF awaited THEN
        SELECT seq, balance, debt, is_frozen, merged_with INTO account
          FROM loyalty_pointsaccount WHERE member_id = taken_from
           FOR NO KEY UPDATE;
        IF flushes THEN
            PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
    END IF;
    SELECT id INTO entry FROM loyalty_pointsentry
     WHERE account_id = taken_from AND kind = as_kind AND source = cause;
    IF entry IS NULL AND account.merged_with <> '{}' THEN
        SELECT id INTO entry FROM loyalty_pointsentry
         WHERE account_id = ANY (account.merged_with) AND kind = as_kind
           AND source = cause
         LIMIT 1;
    END IF;
    IF entry IS NOT NULL THEN
        answer := 'done';
        RETURN;
    END IF;
    IF NOT may THEN
        answer := 'may not';
        RETURN;
    END IF;
    IF account.is_frozen THEN
        answer := 'frozen';
        RETURN;
    END IF;
    SELECT id, remaining - held - asked_back AS points INTO first
      FROM loyalty_pointslot
     WHERE account_id = taken_from AND is_open AND account.debt = 0
       AND remaining > held + asked_back AND active_at <= moment
       AND (expires_at IS NULL OR expires_at > moment)
     ORDER BY expires_at NULLS LAST, active_at, id LIMIT 1;
    available := coalesce(first.points, 0);
    IF first.points < wanted THEN
        SELECT sum(remaining - held - asked_back) INTO available
          FROM loyalty_pointslot
         WHERE account_id = taken_from AND is_open AND active_at <= moment
           AND (expires_at IS NULL OR expires_at > moment);
    END IF;
    IF available < wanted THEN
        answer := 'too few';
        RETURN;
    END IF;
    answer := 'taken';
    number := account.seq + 1;
    net := account.balance - wanted;
    INSERT INTO loyalty_pointsentry (
        public_id, account_id, seq, kind, points, balance_after, source, reason_code,
        reason, actor, trace, occurred_at)
    VALUES (outer_id, taken_from, number, as_kind, -wanted, net, cause, code, why, who,
            '{}', moment)
    RETURNING id INTO entry;
    IF first.points >= wanted THEN
        UPDATE loyalty_pointslot SET remaining = remaining - wanted
         WHERE id = first.id;
        INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
        VALUES (entry, first.id, wanted, 0, 0);
    ELSE
        WITH free AS (
            SELECT id, remaining - held - asked_back AS points,
                   sum(remaining - held - asked_back) OVER (
                       ORDER BY expires_at NULLS LAST, active_at, id) AS so_far
              FROM loyalty_pointslot
             WHERE account_id = taken_from AND is_open AND active_at <= moment
               AND (expires_at IS NULL OR expires_at > moment)
        ), takes AS (
            SELECT id, least(points, wanted - (so_far - points)) AS points FROM free
             WHERE points > 0 AND so_far - points < wanted
        ), lots AS (
            UPDATE loyalty_pointslot l SET remaining = l.remaining - takes.points
              FROM takes WHERE l.id = takes.id
        )
        INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
        SELECT entry, id, points, 0, 0 FROM takes;
    END IF;
    UPDATE loyalty_pointsaccount SET balance = net, seq = number
     WHERE member_id = taken_from;
END $$;
"""
_NO_TAKE = """
DROP FUNCTION loyalty_take_points(
    bigint, bigint, text, text, timestamptz, text, text, text, text[], text, boolean);
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0007_reason_codes_and_grace")]

    operations = [
        # What is running still calls it without the last argument, and may.
        migrations.RunSQL(_before._NO_TAKE + _TAKE, _NO_TAKE + _before._TAKE),
    ]
