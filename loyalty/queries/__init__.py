"""Reads of the loyalty app."""
