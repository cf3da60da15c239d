"""
Writes requirements/*.txt: every package that is installed, pinned, with hashes, for all supported Pythons and systems.

A lock file names no address, so that it installs from whatever index a machine is set up with. uv resolves; it is put
into an environment of its own and is not needed to install. Pins stay as they are where they still fit; `--upgrade`
takes the newest of all, `--upgrade-package NAME` of one.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"

# The widest first: the others take their versions from it, so that one environment can be filled by steps.
LOCKS = {"dev": ["--extra", "dev", "--extra", "all"], "test": ["--extra", "test"], "run": []}


def main(flags: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    # The build backend is installed from the lock, too, for the project is built without isolation.
    backend = "\n".join(project["build-system"]["requires"])
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder, "Scripts" if os.name == "nt" else "bin", "python"))
        subprocess.run([python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", UV], check=True)
        resolve = [python, "-m", "uv", "pip", "compile", "--quiet", "pyproject.toml", "-"]
        resolve += ["--universal", "--python-version", project["project"]["requires-python"].removeprefix(">=")]
        resolve += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
        for name, extras in LOCKS.items():
            written = f"requirements/{name}.txt"
            chosen = flags if name == "dev" else ["--constraint", "requirements/dev.txt"]
            command = [*resolve, *extras, *chosen, "--output-file", written]
            subprocess.run(command, check=True, cwd=ROOT, input=backend, text=True)
            pins = [line for line in (ROOT / written).read_text("utf-8").splitlines() if line[:1].isalnum()]
            print(f"{written}: {len(pins)} packages")


if __name__ == "__main__":
    main(sys.argv[1:])
