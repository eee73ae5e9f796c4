"""Decisions of the console. Plain Python: no Django, no clock, no database."""
