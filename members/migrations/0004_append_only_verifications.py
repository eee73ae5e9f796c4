"""What verifiers said is evidence."""

from django.db import migrations

from crm.shared.append_only import AppendOnly


class Migration(migrations.Migration):
    """Let nobody change a question or its answer."""

    dependencies = [("members", "0003_identities_and_instruments")]

    operations = [
        AppendOnly("members_verification"),
        AppendOnly("members_verificationresult"),
    ]
