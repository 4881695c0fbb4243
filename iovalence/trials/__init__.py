"""Train small models quickly to answer a question about the data."""
