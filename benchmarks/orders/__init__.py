"""Quote, checkout and reads of orders beside the bare SQL."""
