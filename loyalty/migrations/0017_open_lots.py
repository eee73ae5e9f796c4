"""Lots say themselves that points are left, so that spending stays in its page."""

from django.db import migrations, models
from django.db.models import Q

#: ``loyalty_take_points`` asks for lots in the words of their indexes.
_REWORD = """
DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('loyalty_take_points'::regproc), '{}', '{}');
END $$;
"""
_REST, _OPEN = "remaining > 0", "is_open"


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0016_seats")]

    operations = [
        migrations.RemoveIndex("pointslot", "points_lot_spending_order"),
        migrations.RemoveIndex("pointslot", "points_lot_to_expire"),
        migrations.AddField(
            "pointslot",
            "is_open",
            models.GeneratedField(
                db_persist=True,
                expression=Q(remaining__gt=0),
                output_field=models.BooleanField(verbose_name="open"),
            ),
        ),
        migrations.AddIndex(
            "pointslot",
            models.Index(
                fields=["account", "expires_at", "active_at", "id"],
                name="points_lot_spending_order",
                condition=Q(is_open=True),
            ),
        ),
        migrations.AddIndex(
            "pointslot",
            models.Index(
                fields=["expires_at"],
                name="points_lot_to_expire",
                condition=Q(is_open=True),
            ),
        ),
        migrations.AddIndex(
            "pointsentry",
            models.Index(
                fields=["reverses"],
                name="points_entry_reversing",
                condition=Q(reverses__isnull=False),
            ),
        ),
        migrations.RunSQL(_REWORD.format(_REST, _OPEN), _REWORD.format(_OPEN, _REST)),
    ]
