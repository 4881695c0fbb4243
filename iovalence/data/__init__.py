"""Turn files into a typed table, and the table into the numbers a network takes."""
