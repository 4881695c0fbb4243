"""Say what happened in a training, why, and what to change."""
