"""The actions: each a value that performs itself through a port. Written once, they give fluent methods, checks and the catalogue."""
