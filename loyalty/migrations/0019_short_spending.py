"""A spending that the first lot can pay looks at no other; signs are told in short."""

from importlib import import_module

from django.db import migrations, models

#: PostgreSQL reads the text of a CHECK anew for each statement that writes, so a list of
#: kinds in it costs more than the rest of an insert. A function is read once a session.
_SIGN = """
CREATE FUNCTION loyalty_sign_fits(kind text, points bigint) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN CASE
        WHEN kind IN ('earn', 'return', 'grant', 'opening', 'reinstate')
            THEN points >= 0
        WHEN kind IN ('spend', 'claw_back', 'expire', 'deduct') THEN points <= 0
        ELSE kind IN ('transfer', 'gift')
    END;
END $$;
"""
_NO_SIGN = "DROP FUNCTION loyalty_sign_fits(text, bigint)"

#: As in 0012, but lots are added up and shared out only if the first is too small.
_TAKE = """
CREATE OR REPLACE FUNCTION loyalty_take_points(
    taken_from bigint, wanted bigint, as_kind text, cause text, moment timestamptz,
    why text, who text, outer_id text,
    OUT answer text, OUT entry bigint, OUT number bigint, OUT net bigint,
    OUT available bigint
) LANGUAGE plpgsql AS $$
DECLARE
    account record;
    first record;
BEGIN
    SELECT seq, balance, debt, is_frozen INTO account FROM loyalty_pointsaccount
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


def _as_before(apps, schema_editor):
    """Put back the function of 0012 in the words of 0017."""
    before = import_module("loyalty.migrations.0012_take_points")
    words = before._TAKE.replace("remaining > 0", "is_open")
    schema_editor.execute(words.replace("CREATE", "CREATE OR REPLACE", 1), params=None)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0018_door_hours")]

    operations = [
        migrations.RunSQL(_SIGN, _NO_SIGN),
        migrations.RemoveConstraint("pointsentry", "points_entry_sign_matches_kind"),
        migrations.AddConstraint(
            "pointsentry",
            models.CheckConstraint(
                condition=models.Func(
                    "kind",
                    "points",
                    function="loyalty_sign_fits",
                    output_field=models.BooleanField(),
                ),
                name="points_entry_sign_matches_kind",
            ),
        ),
        migrations.RunSQL(_TAKE, migrations.RunSQL.noop),
        migrations.RunPython(migrations.RunPython.noop, _as_before),
    ]
