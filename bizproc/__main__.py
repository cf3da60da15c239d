"""`python -m bizproc`: the command line, where `bizproc` is not on the path."""

from bizproc.cli.app import main

if __name__ == "__main__":
    main(prog_name="python -m bizproc")
