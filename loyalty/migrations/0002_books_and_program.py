"""Books that only grow, points that leave in one round trip, and a first program."""

from django.db import migrations

from crm.shared.append_only import AppendOnly

#: Each statement of a function sees what was committed before it began, so lots are
#: read as whoever held the lock before left them. The order of lots is that of
#: ``loyalty.rules.lots.spending_order`` (P11); a test compares the two. They are added
#: up and shared out only if the first is too small.
_TAKE = """
CREATE FUNCTION loyalty_take_points(
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
_NO_TAKE = """
DROP FUNCTION loyalty_take_points(
    bigint, bigint, text, text, timestamptz, text, text, text);
"""

_TIERS = [
    # code, name, English name, threshold in minor units, multiplier in basis points
    ("member", "普通会员", "Member", 0, 10_000, "#64748b"),
    ("silver", "白银会员", "Silver", 50_000, 12_000, "#94a3b8"),
    ("gold", "黄金会员", "Gold", 100_000, 15_000, "#ca8a04"),
    ("platinum", "铂金会员", "Platinum", 500_000, 20_000, "#7c3aed"),
]


def _begin(apps, schema_editor):
    """Write what a shop begins with: a program, a way to earn, a ladder of four."""

    def write(model, **fields):
        return apps.get_model("loyalty", model).objects.create(**fields)

    write("Program", name="会员积分")
    write("ReferralProgram")
    write("Currency", code="value", name="成长值", name_en="Qualifying value")
    write(
        "EarningRule",
        code="base",
        name="消费积分",
        name_en="Points for spending",
        occasion="order",
        award="per_amount",
        points=1,
        per_minor=100,
    )
    ladder = write("Ladder", code="main", name="会员等级")
    for code, name, name_en, threshold, multiplier, color in _TIERS:
        write(
            "Tier",
            ladder=ladder,
            code=code,
            name=name,
            name_en=name_en,
            threshold_minor=threshold,
            multiplier_bp=multiplier,
            color=color,
        )


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]

    #: Folded into this one and the first: a database that has them needs nothing.
    replaces = [
        ("loyalty", "0002_append_only"),
        ("loyalty", "0003_program"),
        ("loyalty", "0004_lists_by_state"),
        ("loyalty", "0005_plans"),
        ("loyalty", "0006_ladder_terms"),
        ("loyalty", "0007_earning_rules"),
        ("loyalty", "0008_books"),
        ("loyalty", "0009_rewards_and_benefits"),
        ("loyalty", "0010_referrals"),
        ("loyalty", "0011_member_value"),
        ("loyalty", "0012_take_points"),
        ("loyalty", "0013_tier_dues"),
        ("loyalty", "0014_rewards_for_money"),
        ("loyalty", "0015_currencies"),
        ("loyalty", "0016_seats"),
        ("loyalty", "0017_open_lots"),
        ("loyalty", "0018_door_hours"),
        ("loyalty", "0019_short_spending"),
    ]

    operations = [
        AppendOnly("loyalty_pointsentry"),
        AppendOnly("loyalty_qualifyingentry"),
        AppendOnly("loyalty_tierchange"),
        AppendOnly("loyalty_subscriptionperiod"),
        AppendOnly("loyalty_subscriptionmove"),
        AppendOnly("loyalty_pointsclose"),
        migrations.RunSQL(_TAKE, _NO_TAKE),
        migrations.RunPython(_begin, migrations.RunPython.noop),
    ]
