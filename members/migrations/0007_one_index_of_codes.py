"""Text under collation C needs no second index for LIKE: its own serves that, too.

Django makes one for every unique ``varchar``. It only cost.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("members", "0006_city_and_undone_merges")]

    operations = [
        migrations.RunSQL(
            'DROP INDEX IF EXISTS "members_invitationcode_code_63a8fa5c_like"',
            'CREATE INDEX "members_invitationcode_code_63a8fa5c_like" ON "members_invitationcode" ("code" varchar_pattern_ops)',
        ),
    ]
