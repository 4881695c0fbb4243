"""Try what a diagnosis advises, and say whether it helped."""
