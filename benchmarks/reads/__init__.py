"""Reads of the API beside DRF, plain views and PostgreSQL."""
