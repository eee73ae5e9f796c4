"""A shop begins with a points program and a ladder of four tiers."""

from django.db import migrations

TIERS = [
    # code, name, English name, threshold in minor units, multiplier in basis points
    ("member", "普通会员", "Member", 0, 10_000, "#64748b"),
    ("silver", "白银会员", "Silver", 50_000, 12_000, "#94a3b8"),
    ("gold", "黄金会员", "Gold", 100_000, 15_000, "#ca8a04"),
    ("platinum", "铂金会员", "Platinum", 500_000, 20_000, "#7c3aed"),
]


def write_program(apps, schema_editor):
    apps.get_model("loyalty", "Program").objects.create(name="会员积分")
    ladder = apps.get_model("loyalty", "Ladder").objects.create(
        code="main", name="会员等级"
    )
    apps.get_model("loyalty", "Tier").objects.bulk_create(
        apps.get_model("loyalty", "Tier")(
            ladder=ladder,
            code=code,
            name=name,
            name_en=name_en,
            threshold_minor=threshold,
            multiplier_bp=multiplier,
            color=color,
        )
        for code, name, name_en, threshold, multiplier, color in TIERS
    )


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0002_append_only")]

    operations = [migrations.RunPython(write_program, migrations.RunPython.noop)]
