"""The outside world, behind the ports: one room for each system that is spoken to."""
