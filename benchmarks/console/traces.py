"""What a crowd leaves behind besides points and orders, made set-based.

Rows of every other list that grows with the members: consents, tags, changes of
tier, possible duplicates, merges, coupons, messages, tickets, refunds, audit
entries, facts and their deliveries. Each kind has a common and a rare state.
"""

from datetime import datetime

from django.db import connection

from benchmarks.console.bulk import in_bulk
from campaigns.models import CouponTemplate
from crm.care.models import Ticket
from crm.shared.fields import seal

#: Tables that are written here.
TABLES = (
    *("members_consent", "members_membertag", "loyalty_tierchange"),
    *("members_duplicatepair", "members_merge", "campaigns_coupon"),
    *("campaigns_message", "care_ticket", "orders_refund", "shared_auditentry"),
    *("shared_fact", "shared_delivery"),
)
#: One ticket, whose subject is sealed for its row, for so many members.
TICKET_EVERY = 20


def leave_traces(*, members: int, now: datetime) -> None:
    """Write the traces of ``members`` members who are there."""
    template = CouponTemplate.objects.create(
        code="bench", name="九折", kind="percent", percent_bp=1_000, starts_at=now
    )
    values = {"members": members, "now": now, "coupon": template.pk}
    with in_bulk(TABLES), connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, values)
        with cursor.copy(
            "COPY care_ticket (public_id, member_id, kind, state, subject, created_at, "
            "due_at) FROM STDIN"
        ) as copy:
            for serial in range(1, members + 1, TICKET_EVERY):
                copy.write_row(_ticket(serial, now))
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


def _ticket(serial: int, now: datetime) -> tuple:
    row = f"tkt_{serial:026d}"
    number = serial // TICKET_EVERY
    return (
        row,
        serial,
        Ticket.Kind.values[number % 4],
        "open" if number % 100 == 0 else "solved",
        seal(Ticket, "subject", row, "杯子碎了"),
        now,
        now,
    )


#: The n-th trace is from n seconds before the newest, so its place is known.
_AT = "%(now)s - interval '1 second' * (%(members)s - g)"

_STATEMENTS = [
    f"""INSERT INTO members_consent (member_id, purpose, channel, granted,
            text_version, source, request_id, network, agent, actor, reason,
            occurred_at)
        SELECT g, CASE WHEN g %% 1000 = 7 THEN 'profiling' ELSE 'marketing' END,
               CASE WHEN g %% 1000 = 8 THEN 'sms' ELSE 'email' END, g %% 500 > 0,
               '2026-11', 'app', '', '', '', '', '', {_AT}
        FROM generate_series(1, %(members)s) g""",
    """INSERT INTO members_tag (name) VALUES ('常客'), ('团购'), ('少见')""",
    f"""INSERT INTO members_membertag (member_id, tag_id, created_at)
        SELECT g, (SELECT id FROM members_tag WHERE name =
                   CASE WHEN g %% 10000 = 5 THEN '少见' WHEN g %% 10 = 5 THEN '常客'
                        ELSE '团购' END), {_AT}
        FROM generate_series(5, %(members)s, 5) g""",
    f"""INSERT INTO loyalty_tierchange (member_id, from_tier_id, to_tier_id,
            value_minor, reason, occurred_at)
        SELECT g, (SELECT min(id) FROM loyalty_tier),
               (SELECT max(id) FROM loyalty_tier), 50000, 'order', {_AT}
        FROM generate_series(4, %(members)s, 4) g""",
    f"""INSERT INTO members_duplicatepair (public_id, first_id, second_id, score,
            reasons, state, found_at)
        SELECT 'dup_' || lpad(g::text, 26, '0'), g - 1, g, 50 + g / 50 %% 50,
               '{{same_name,same_birthday}}',
               CASE WHEN g %% 500 = 0 THEN 'open' ELSE 'dismissed' END, {_AT}
        FROM generate_series(50, %(members)s, 50) g""",
    f"""INSERT INTO members_merge (public_id, winner_id, loser_id, state, loser_state,
            fields, moved, reason, actor, merged_at)
        SELECT 'mrg_' || lpad(g::text, 26, '0'), g - 1, g,
               CASE WHEN g %% 5000 = 0 THEN 'undone' ELSE 'done' END, 'active',
               '{{}}', '{{}}', 'same person', 'bench', {_AT}
        FROM generate_series(100, %(members)s, 100) g""",
    f"""INSERT INTO campaigns_coupon (public_id, template_id, member_id, issued_to_id,
            code, state, terms, source, issued_at, expires_at, tallies)
        SELECT 'cpn_' || lpad(g::text, 26, '0'), %(coupon)s, g, g,
               'BENCH' || lpad(g::text, 12, '0'),
               CASE WHEN g %% 1000 = 9 THEN 'revoked' ELSE 'available' END, '{{}}',
               'bench', {_AT}, %(now)s + interval '30 days', '{{}}'
        FROM generate_series(1, %(members)s) g""",
    # The text is never opened by a list; these bytes would not open.
    f"""INSERT INTO campaigns_message (public_id, member_id, channel, template, subject,
            body, state, note, dedupe_key, attempts, send_after, sent_at, created_at)
        SELECT 'msg_' || lpad(g::text, 26, '0'), g, 'sms', 'welcome', '',
               decode('00', 'hex'),
               CASE WHEN g %% 1000 = 3 THEN 'failed' ELSE 'sent' END, '',
               'bench:' || g, 1, %(now)s, %(now)s, {_AT}
        FROM generate_series(1, %(members)s) g""",
    f"""INSERT INTO orders_refund (public_id, order_id, source, state, amount_minor,
            freight_minor, points_returned, reason, actor, requested_at)
        SELECT 'ref_' || lpad(g::text, 26, '0'), o.id, 'storefront',
               CASE WHEN g %% 5000 = 0 THEN 'requested' ELSE 'completed' END, 100, 0, 0,
               '', 'bench', {_AT}
        FROM generate_series(50, %(members)s, 50) g
        CROSS JOIN LATERAL (SELECT id FROM orders_order WHERE member_id = g
                            ORDER BY placed_at DESC LIMIT 1) o""",
    f"""INSERT INTO shared_auditentry (at, actor, action, object_type, object_id,
            reason, detail, request_id)
        SELECT {_AT}, 'clerk' || g %% 50,
               CASE WHEN g %% 10000 = 3 THEN 'members.erase' ELSE 'members.reveal' END,
               'members.member', g::text, '', '{{}}', ''
        FROM generate_series(1, %(members)s) g""",
    f"""WITH fact AS (
            INSERT INTO shared_fact (name, key, payload, request_id, recorded_at)
            SELECT CASE WHEN g %% 10000 = 3 THEN 'members.MemberErased'
                        ELSE 'members.MemberJoined' END, '', '{{}}', '', {_AT}
            FROM generate_series(1, %(members)s) g
            RETURNING id, recorded_at)
        INSERT INTO shared_delivery (fact_id, subscriber, key, state, due_at, attempts,
            last_error, done_at)
        SELECT id, 'loyalty.subscribers.welcome', '',
               CASE WHEN id %% 100000 = 3 THEN 'stuck' ELSE 'done' END, recorded_at, 1,
               '', CASE WHEN id %% 100000 = 3 THEN NULL ELSE recorded_at END
        FROM fact""",
]
