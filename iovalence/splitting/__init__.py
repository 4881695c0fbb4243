"""Assign each row to the train, validation or test part."""
