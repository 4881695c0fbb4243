"""IOValence: one YAML file and one table in, a trained, documented, reproducible model out."""

__version__ = "0.1.0"
