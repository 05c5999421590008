"""Models: the catalogue, weights, Model files and networks."""
