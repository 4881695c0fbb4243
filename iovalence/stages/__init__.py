"""The stages of a run: what goes into each, which files come out; one function a stage."""
