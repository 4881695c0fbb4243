"""Measure a model, and show what was found."""
