"""Why staff move points, and what points that are given back last at least."""

from importlib import import_module

from django.db import migrations, models

_spending = import_module("loyalty.migrations.0005_spending")
_before = import_module("loyalty.migrations.0006_asked_back")

_CODES = [('goodwill', 'compensation or goodwill'), ('missing', 'purchase that was not counted'), ('correction', 'correction of an error'), ('campaign', 'campaign outside the system'), ('fraud', 'fraud or abuse'), ('migration', 'brought from another system'), ('test', 'test'), ('other', 'other')]
#: As before, and the reason code, last: what is running still calls it without.
_TAKE = (
    _before._TAKE.replace(
        "spenders text[] DEFAULT NULL,",
        "spenders text[] DEFAULT NULL, code text DEFAULT '',",
    )
    .replace("source, reason, actor,", "source, reason_code, reason, actor,")
    .replace("cause, why, who,", "cause, code, why, who,")
)
_NO_TAKE = """
DROP FUNCTION loyalty_take_points(
    bigint, bigint, text, text, timestamptz, text, text, text, text[], text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0006_asked_back'),
    ]

    operations = [
        migrations.AddField(
            model_name='pointsclose',
            name='by_hand',
            field=models.JSONField(db_default=[], default=list, verbose_name='by hand'),
        ),
        migrations.AddField(
            model_name='pointsentry',
            name='reason_code',
            field=models.CharField(blank=True, choices=_CODES, db_default='', default='', max_length=10, verbose_name='reason code'),
        ),
        migrations.AddField(
            model_name='pointsfreeze',
            name='end_reason_code',
            field=models.CharField(blank=True, choices=_CODES, db_default='', default='', max_length=10, verbose_name='reason code'),
        ),
        migrations.AddField(
            model_name='pointsfreeze',
            name='reason_code',
            field=models.CharField(blank=True, choices=_CODES, db_default='', default='', max_length=10, verbose_name='reason code'),
        ),
        migrations.AddField(
            model_name='program',
            name='return_grace_days',
            field=models.PositiveSmallIntegerField(db_default=30, default=30, help_text='Points that paid for what is refunded keep their end. Where it is past or nearer than so many days, they end so many days after the refund. 0: none last longer, and what has ended by then expires again at once.', verbose_name='days that returned points last at least'),
        ),
        migrations.AddIndex(
            model_name='pointsentry',
            index=models.Index(condition=models.Q(('reason_code', ''), _negated=True), fields=['reason_code', '-occurred_at', '-id'], name='points_entry_by_hand'),
        ),
        migrations.RunSQL(_spending._NO_TAKE + _TAKE, _NO_TAKE + _before._TAKE),
    ]
