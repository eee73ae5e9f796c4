"""The demo shop: one seed module per app, planted stories."""
