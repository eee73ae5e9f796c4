"""Analytics: rollups and the pages that read them. Stands on campaigns."""
