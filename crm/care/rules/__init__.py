"""Decisions of the service desk. Plain Python."""
