"""Changes of a project: other answers, other versions of the template, another framework."""
