"""Keep the record of every run: its folder, journal and manifest, and the store of stages."""
