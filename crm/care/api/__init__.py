"""The service desk's part of the storefront API."""
