"""The builder: the page, what it writes, and the service that it is."""
