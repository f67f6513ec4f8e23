"""One command per file: its arguments, its work, its two outputs."""
