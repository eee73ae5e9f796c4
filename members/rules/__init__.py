"""Decisions and arithmetic. Plain Python: no Django, no clock, no database."""
