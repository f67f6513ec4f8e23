"""The configuration: what may be set, reading it from TOML, and one clear line for every mistake."""
