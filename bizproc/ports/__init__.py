"""What bizproc asks of the outside world, one protocol a file; the contract is in the docstring."""
