"""
The actions: each a value that performs itself through a port.

Written once, as an attrs class, an action gives the fluent method, the argument check, the journal's record and its
row in the catalogue.
"""
