"""Hardware files: one technology each."""
