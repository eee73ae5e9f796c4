# What a lift put aside is a list of all that is below it.

from django.db import migrations, models

MOVE = """
UPDATE loyalty_tierstanding s
   SET put_aside = jsonb_build_array(jsonb_build_object(
           'tier', t.code, 'since', NULL, 'valid_until', s.lifted_from_until,
           'cause', ''))
  FROM loyalty_tier t WHERE t.id = s.lifted_from_id
"""
#: The uppermost of what was put aside is what the lift came from.
MOVE_BACK = """
UPDATE loyalty_tierstanding s
   SET lifted_from_id = t.id,
       lifted_from_until = (s.put_aside -> -1 ->> 'valid_until')::timestamptz
  FROM loyalty_tier t
 WHERE t.ladder_id = s.ladder_id AND t.code = s.put_aside -> -1 ->> 'tier'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0003_birthday_once_a_year"),
    ]

    operations = [
        migrations.AddField(
            model_name="tierstanding",
            name="put_aside",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.RunSQL(MOVE, MOVE_BACK),
        migrations.RemoveField(model_name="tierstanding", name="lifted_from"),
        migrations.RemoveField(model_name="tierstanding", name="lifted_from_until"),
    ]
