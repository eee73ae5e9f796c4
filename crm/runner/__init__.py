"""Starts and stops what the product runs on, before Django is loaded."""
