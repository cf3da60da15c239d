"""`python -m bizproc.cli`."""

from bizproc.cli.app import main

if __name__ == "__main__":
    main(prog_name="bizproc")
