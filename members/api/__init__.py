"""The members' part of the storefront API."""
