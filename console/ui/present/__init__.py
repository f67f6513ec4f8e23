"""From snapshots and findings to rows and lines: pure functions, no widget state, no clock of their own."""
