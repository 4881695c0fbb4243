"""What people read of a run: the report, the page of the checks, and how both are drawn."""
