"""Ways to earn points are rows; what the program said of them is written as such."""

import crm.shared.bilingual
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


#: Code, name, English name, occasion, role, and the field that told the points.
EVENTS = [
    ("profile", "完善资料", "Complete profile", "profile", "best", "profile_points"),
    ("review", "发表评价", "Review", "review", "best", "review_points"),
    ("review-pictures", "晒图评价", "Review with pictures", "review", "bonus", "review_picture_points"),
]  # fmt: skip
HAS_PICTURES = {"field": "event.pictures", "is": "yes"}


def write_rules(apps, schema_editor):
    rules = apps.get_model("loyalty", "EarningRule").objects
    for program in apps.get_model("loyalty", "Program").objects.all():
        rules.create(
            code="base",
            name="消费积分",
            name_en="Points for spending",
            occasion="order",
            award="per_amount",
            points=1,
            per_minor=program.minor_per_point,
        )
        for code, name, name_en, occasion, role, field in EVENTS:
            if getattr(program, field):
                rules.create(
                    code=code,
                    name=name,
                    name_en=name_en,
                    occasion=occasion,
                    award="fixed",
                    role=role,
                    points=getattr(program, field),
                    condition=HAS_PICTURES if role == "bonus" else {},
                )


class Migration(migrations.Migration):
    dependencies = [
        ("loyalty", "0006_ladder_terms"),
        ("members", "0004_lists_by_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckIn",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("day", models.DateField(verbose_name="day")),
                ("streak", models.PositiveIntegerField(verbose_name="days in a row")),
            ],
            options={
                "verbose_name": "check-in",
                "verbose_name_plural": "check-ins",
            },
        ),
        migrations.CreateModel(
            name="EarningRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "code",
                    models.SlugField(max_length=40, unique=True, verbose_name="code"),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "name_en",
                    models.CharField(
                        blank=True, max_length=120, verbose_name="English name"
                    ),
                ),
                (
                    "occasion",
                    models.CharField(
                        choices=[
                            ("order", "a paid order"),
                            ("joined", "joining"),
                            ("profile", "a complete profile"),
                            ("birthday", "a birthday"),
                            ("check_in", "a check-in"),
                            ("review", "a published review"),
                            ("invite", "an invitation accepted"),
                            ("share", "sharing"),
                            ("survey", "a survey answered"),
                            ("attendance", "coming to an event"),
                        ],
                        default="order",
                        max_length=12,
                        verbose_name="earned by",
                    ),
                ),
                (
                    "award",
                    models.CharField(
                        choices=[
                            ("per_amount", "points for every so much money"),
                            ("per_unit", "points for every unit"),
                            ("per_order", "points for an order"),
                            ("fixed", "points for an event"),
                            ("dynamic", "points times the number told with an event"),
                            ("ladder", "points by the day of a streak"),
                            ("multiplier", "more on the basic points"),
                        ],
                        default="per_amount",
                        max_length=12,
                        verbose_name="award",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("best", "basic: of several the highest counts"),
                            ("added", "basic: added to the others"),
                            ("bonus", "bonus: on top, not multiplied"),
                        ],
                        default="best",
                        max_length=6,
                        verbose_name="beside other rules",
                    ),
                ),
                (
                    "points",
                    models.PositiveIntegerField(default=0, verbose_name="points"),
                ),
                (
                    "per_minor",
                    models.PositiveIntegerField(
                        default=100,
                        help_text="The points are given for every such amount paid.",
                        verbose_name="spend for it",
                    ),
                ),
                (
                    "bonus_bp",
                    models.IntegerField(
                        default=0,
                        help_text="In percent: 100 doubles them.",
                        verbose_name="more on the basic points",
                    ),
                ),
                (
                    "ladder",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.PositiveIntegerField(),
                        blank=True,
                        default=list,
                        help_text="Separated by commas; the last one counts for all later days.",
                        size=None,
                        verbose_name="points by day of the streak",
                    ),
                ),
                (
                    "condition",
                    models.JSONField(
                        blank=True, default=dict, verbose_name="condition"
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="valid from"
                    ),
                ),
                (
                    "ends_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="valid until"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "priority",
                    models.IntegerField(
                        default=0,
                        help_text="Of equal ones the highest counts.",
                        verbose_name="priority",
                    ),
                ),
                (
                    "member_cap",
                    models.PositiveIntegerField(
                        blank=True, null=True, verbose_name="at most for one member"
                    ),
                ),
                (
                    "cap_period",
                    models.CharField(
                        choices=[
                            ("day", "a day"),
                            ("week", "a week"),
                            ("month", "a month"),
                            ("year", "a year"),
                            ("ever", "in all"),
                        ],
                        default="day",
                        max_length=5,
                        verbose_name="counted over",
                    ),
                ),
                (
                    "budget",
                    models.PositiveBigIntegerField(
                        blank=True, null=True, verbose_name="at most for all members"
                    ),
                ),
            ],
            options={
                "verbose_name": "earning rule",
                "verbose_name_plural": "earning rules",
                "ordering": ["occasion", "-priority", "code"],
            },
            bases=(crm.shared.bilingual.Bilingual, models.Model),
        ),
        migrations.CreateModel(
            name="EarningTally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("period", models.DateField()),
                ("points", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "verbose_name": "points counted against a cap",
                "verbose_name_plural": "points counted against caps",
            },
        ),
        migrations.RunPython(write_rules, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name="program",
            name="program_rates_are_positive",
        ),
        migrations.RemoveField(
            model_name="program",
            name="minor_per_point",
        ),
        migrations.RemoveField(
            model_name="program",
            name="profile_points",
        ),
        migrations.RemoveField(
            model_name="program",
            name="review_picture_points",
        ),
        migrations.RemoveField(
            model_name="program",
            name="review_points",
        ),
        migrations.AddField(
            model_name="program",
            name="activation",
            field=models.CharField(
                choices=[
                    ("at_once", "at once"),
                    ("after_days", "some days after the payment"),
                    ("after_returns", "when the time for returns is over"),
                ],
                db_default="at_once",
                default="at_once",
                max_length=14,
                verbose_name="points of orders can be spent",
            ),
        ),
        migrations.AddField(
            model_name="program",
            name="activation_days",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Counted from the payment.",
                verbose_name="after so many days",
            ),
        ),
        migrations.AddField(
            model_name="program",
            name="earns_on_freight",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="freight earns points"
            ),
        ),
        migrations.AddField(
            model_name="program",
            name="earns_on_gift_cards",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="gift cards earn points"
            ),
        ),
        migrations.AddField(
            model_name="program",
            name="earns_on_points",
            field=models.BooleanField(
                db_default=False,
                default=False,
                verbose_name="what points paid earns points",
            ),
        ),
        migrations.AlterField(
            model_name="pointslot",
            name="active_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="active from"
            ),
        ),
        migrations.AddIndex(
            model_name="pointslot",
            index=models.Index(
                condition=models.Q(("active_at__isnull", True)),
                fields=["id"],
                name="points_lot_to_activate",
            ),
        ),
        migrations.AddConstraint(
            model_name="program",
            constraint=models.CheckConstraint(
                condition=models.Q(("redeem_step__gt", 0)),
                name="program_rates_are_positive",
            ),
        ),
        migrations.AddField(
            model_name="checkin",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="check_ins",
                to="members.member",
                verbose_name="member",
 db_index=False),
        ),
        migrations.AddConstraint(
            model_name="earningrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("per_minor__gt", 0), ("bonus_bp__gte", -10000)),
                name="earning_rule_numbers_make_sense",
            ),
        ),
        migrations.AddConstraint(
            model_name="earningrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("starts_at__isnull", True),
                    ("ends_at__isnull", True),
                    ("ends_at__gt", models.F("starts_at")),
                    _connector="OR",
                ),
                name="earning_rule_ends_after_it_starts",
            ),
        ),
        migrations.AddField(
            model_name="earningtally",
            name="member",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="members.member",
            ),
        ),
        migrations.AddField(
            model_name="earningtally",
            name="rule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tallies",
                to="loyalty.earningrule",
 db_index=False),
        ),
        migrations.AddConstraint(
            model_name="checkin",
            constraint=models.UniqueConstraint(
                fields=("member", "day"), name="check_in_once_a_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="earningtally",
            constraint=models.UniqueConstraint(
                fields=("rule", "member", "period"),
                name="earning_tally_once_per_period",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="earningtally",
            constraint=models.CheckConstraint(
                condition=models.Q(("points__gte", 0)),
                name="earning_tally_is_not_negative",
            ),
        ),
    ]
