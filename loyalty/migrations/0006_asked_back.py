"""Points of units that are asked back stay pending until the return is over (R10)."""

from importlib import import_module

from django.db import migrations, models

_before = import_module("loyalty.migrations.0005_spending")

#: As before; what is asked back is not there to be spent.
_OR_REPLACE = ("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_TAKE_AS_BEFORE = _before._TAKE.replace(*_OR_REPLACE)
_TAKE = _TAKE_AS_BEFORE.replace(
    "remaining - held", "remaining - held - asked_back"
).replace("remaining > held", "remaining > held + asked_back")


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0005_spending")]

    operations = [
        migrations.AddField(
            model_name="pointslot",
            name="asked_back",
            field=models.BigIntegerField(
                db_default=0, default=0, verbose_name="asked back"
            ),
        ),
        migrations.AddConstraint(
            model_name="pointslot",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("asked_back__range", (0, models.F("remaining") - models.F("held")))
                ),
                name="points_lot_asked_back_is_within_the_rest",
            ),
        ),
        migrations.RunSQL(_TAKE, _TAKE_AS_BEFORE),
    ]
