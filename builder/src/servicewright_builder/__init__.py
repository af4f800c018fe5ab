"""The servicewright_builder service."""
