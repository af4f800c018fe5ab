"""The HTTP contract: that both frameworks keep it, in rendered services that really run."""
