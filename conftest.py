"""What pytest needs before it looks at any test."""

# Its options and its report concern a whole run, so it cannot belong to a folder of tests.
pytest_plugins = ["matrix.plugin", "scheduling"]
