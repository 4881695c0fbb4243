"""The commands, in groups; each imports what it needs when it is called."""
