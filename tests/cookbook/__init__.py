"""The cookbook: its recipes are cooked in projects of both frameworks."""
