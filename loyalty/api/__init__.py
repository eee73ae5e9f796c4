"""Storefront API of points and tiers."""
