"""Every variant of the template, checked statically and run."""
