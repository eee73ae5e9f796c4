from django.db import migrations, models

_YEARLY = """
UPDATE loyalty_benefit SET period = 'cycle'
 WHERE kind = 'birthday_gift' AND period NOT IN ('year', 'cycle');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0002_books_and_program'),
    ]

    operations = [
        migrations.RunSQL(_YEARLY, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='benefit',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'birthday_gift'), _negated=True), ('period__in', ['year', 'cycle']), _connector='OR'), name='benefit_birthday_once_a_year', violation_error_message='A birthday gift is counted per calendar year or year of membership.'),
        ),
    ]
