"""The only input and output towards hosts."""
