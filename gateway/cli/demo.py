"""The demo command (placeholder module body replaced below)."""
