"""Run a recorded run again from its own record, and compare what comes of it."""
