"""Roof: the staff console. Sees every app; nobody imports it."""
