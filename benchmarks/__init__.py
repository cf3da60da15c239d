"""What is promised about speed and memory, measured: `python -m benchmarks.steps` and the like; see README.md."""
