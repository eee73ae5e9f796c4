"""Who may spend, once also after a merge, and how many points of an order."""

from importlib import import_module

from django.db import migrations, models

_before = import_module("loyalty.migrations.0002_books_and_program")

#: As before, and two questions more. A request that is made again after a merge finds
#: what it did in an account merged with this one (P4); nobody else pays for the look.
#: ``spenders`` are the states of a membership that may spend (P14); without them nobody
#: is asked, as when staff take points. It is read before the account is locked, so that
#: nobody waits for it.
_TAKE = """
CREATE FUNCTION loyalty_take_points(
    taken_from bigint, wanted bigint, as_kind text, cause text, moment timestamptz,
    why text, who text, outer_id text, spenders text[] DEFAULT NULL,
    OUT answer text, OUT entry bigint, OUT number bigint, OUT net bigint,
    OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    account record;
    first record;
    may boolean := spenders IS NULL OR EXISTS (
        SELECT FROM members_member WHERE id = taken_from AND state = ANY (spenders));
BEGIN
    SELECT seq, balance, debt, is_frozen, merged_with INTO account
      FROM loyalty_pointsaccount WHERE member_id = taken_from FOR NO KEY UPDATE;
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
    SELECT id, remaining - held AS points INTO first FROM loyalty_pointslot
     WHERE account_id = taken_from AND is_open AND account.debt = 0
       AND remaining > held AND active_at <= moment
       AND (expires_at IS NULL OR expires_at > moment)
     ORDER BY expires_at NULLS LAST, active_at, id LIMIT 1;
    available := coalesce(first.points, 0);
    IF first.points < wanted THEN
        SELECT sum(remaining - held) INTO available FROM loyalty_pointslot
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
        public_id, account_id, seq, kind, points, balance_after, source, reason, actor,
        trace, occurred_at)
    VALUES (outer_id, taken_from, number, as_kind, -wanted, net, cause, why, who, '{}',
            moment)
    RETURNING id INTO entry;
    IF first.points >= wanted THEN
        UPDATE loyalty_pointslot SET remaining = remaining - wanted
         WHERE id = first.id;
        INSERT INTO loyalty_lottake (entry_id, lot_id, points, returned, restored)
        VALUES (entry, first.id, wanted, 0, 0);
    ELSE
        WITH free AS (
            SELECT id, remaining - held AS points,
                   sum(remaining - held) OVER (
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
    bigint, bigint, text, text, timestamptz, text, text, text, text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0004_lifts")]

    operations = [
        # What is running still calls it without the last argument, and may.
        migrations.RunSQL(_before._NO_TAKE + _TAKE, _NO_TAKE + _before._TAKE),
        migrations.AddField(
            model_name="program",
            name="redeem_min_points",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Fewer are not spent on an order. 0: one step is enough.",
                verbose_name="at least so many points at once",
            ),
        ),
        migrations.AddField(
            model_name="program",
            name="redeem_max_points",
            field=models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Beside the share. 0: as many as the share allows.",
                verbose_name="at most so many points of an order",
            ),
        ),
        migrations.AddConstraint(
            model_name="program",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("redeem_max_points", 0),
                    ("redeem_max_points__gte", models.F("redeem_min_points")),
                    _connector="OR",
                ),
                name="program_points_of_an_order_begin_below_their_end",
                violation_error_message=(
                    "At most so many points must not be fewer than at least so many."
                ),
            ),
        ),
    ]
