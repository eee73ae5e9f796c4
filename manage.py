#!/usr/bin/env python
"""Run a management command, with the embedded database if none is configured."""

import os
import sys

from django.core.management import execute_from_command_line

from crm.runner.postgres import database_for_commands


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    with database_for_commands():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
