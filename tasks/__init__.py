"""The side of each stage that Prefect sees."""
