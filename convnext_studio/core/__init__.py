"""Everything the program can do, callable from a script; no Qt anywhere below here."""
