"""The error classes of bizproc; the tree is drawn in `bizproc/core/errors.py`."""

from bizproc.core.errors import *  # noqa: F403
from bizproc.core.errors import __all__  # noqa: F401
