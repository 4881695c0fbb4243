"""Show the run in MLflow."""
