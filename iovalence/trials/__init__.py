"""Answer questions about the data by quick trainings."""
