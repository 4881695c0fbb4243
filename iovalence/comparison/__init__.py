"""Compare finished runs: what differed, by how much, and what rows or seeds explain of it."""
