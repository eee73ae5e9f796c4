"""Points leave an account in one round trip: lock, choose lots, write."""

from django.db import migrations

#: Each statement of a function sees what was committed before it began, so lots are
#: read as whoever held the lock before left them. The order of lots is that of
#: ``loyalty.rules.lots.spending_order`` (P11); a test compares the two.
_TAKE = """
CREATE FUNCTION loyalty_take_points(
    taken_from bigint, wanted bigint, as_kind text, cause text, moment timestamptz,
    why text, who text, outer_id text,
    OUT answer text, OUT entry bigint, OUT number bigint, OUT net bigint,
    OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    account loyalty_pointsaccount%ROWTYPE;
BEGIN
    SELECT * INTO account FROM loyalty_pointsaccount
     WHERE member_id = taken_from FOR NO KEY UPDATE;
    SELECT id INTO entry FROM loyalty_pointsentry
     WHERE account_id = taken_from AND kind = as_kind AND source = cause;
    IF entry IS NOT NULL THEN
        answer := 'done';
        RETURN;
    END IF;
    IF account.is_frozen THEN
        answer := 'frozen';
        RETURN;
    END IF;
    SELECT coalesce(sum(remaining - held), 0) INTO available FROM loyalty_pointslot
     WHERE account_id = taken_from AND remaining > 0 AND account.debt = 0
       AND active_at <= moment AND (expires_at IS NULL OR expires_at > moment);
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
    WITH free AS (
        SELECT id, remaining - held AS points,
               sum(remaining - held) OVER (
                   ORDER BY expires_at NULLS LAST, active_at, id) AS so_far
          FROM loyalty_pointslot
         WHERE account_id = taken_from AND remaining > 0 AND active_at <= moment
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
    UPDATE loyalty_pointsaccount SET balance = net, seq = number
     WHERE member_id = taken_from;
END $$;
"""
_NO_TAKE = """
DROP FUNCTION loyalty_take_points(
    bigint, bigint, text, text, timestamptz, text, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0011_member_value")]

    operations = [migrations.RunSQL(_TAKE, _NO_TAKE)]
