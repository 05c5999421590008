"""How good a Model is, and how sure that is."""
