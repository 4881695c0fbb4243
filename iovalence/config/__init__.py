"""Read, check and complete the configuration."""
