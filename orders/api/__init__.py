"""The storefront API of orders."""
