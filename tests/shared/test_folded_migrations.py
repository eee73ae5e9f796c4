"""A database that stopped between migrations that were folded is not taken for whole."""

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from crm.shared.folded_migrations import folds_are_whole

pytestmark = pytest.mark.django_db

FOLD = ("loyalty", "0002_books_and_program")


@pytest.fixture
def half():
    """A database as it was when ``loyalty`` had come to its twelfth migration."""
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(*FOLD)
    for app, name in recorder.applied_migrations():
        if app == "loyalty" and name > "0013":
            recorder.record_unapplied(app, name)


def test_a_whole_database_passes():
    assert folds_are_whole(databases=["default"]) == []
    MigrationRecorder(connection).record_unapplied(*FOLD)
    assert folds_are_whole(databases=["default"]) == [], "it came by the old ones"


def test_an_empty_one_passes():
    MigrationRecorder(connection).flush()
    assert folds_are_whole(databases=["default"]) == []


def test_half_a_fold_is_refused_and_named(half):
    (error,) = folds_are_whole(databases=["default"])
    assert "loyalty.0013_tier_dues, loyalty.0014_rewards_for_money" in error.msg
    assert "loyalty.0012" not in error.msg


def test_migrate_and_boot_stop_there(half):
    with pytest.raises(SystemCheckError, match="lacks loyalty.0013_tier_dues"):
        call_command("migrate", verbosity=0, skip_checks=False)
    with pytest.raises(CommandError, match="lacks loyalty.0013_tier_dues"):
        call_command("boot")
