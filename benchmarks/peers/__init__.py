"""The same workload on bizproc, on the floor and on other engines: a small script each, in a program of its own."""
