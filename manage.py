#!/usr/bin/env python
"""Run a management command, with the embedded database if none is configured."""

import os
import sys

from django.core.management import execute_from_command_line

from crm.runner.environment import complete_without_database
from crm.runner.postgres import database_for_commands

#: Commands that reckon and read nothing: no database is started for them.
WITHOUT_DATABASE = {"price_cart"}


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    if set(sys.argv[1:2]) & WITHOUT_DATABASE:
        complete_without_database()
        execute_from_command_line(sys.argv)
        return
    with database_for_commands():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
