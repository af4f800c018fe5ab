"""The migrations, each of which says which one it follows."""
