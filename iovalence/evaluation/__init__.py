"""Measure a model: figures, intervals, and what pictures are drawn of."""
