"""Storefront API of recommendations."""
