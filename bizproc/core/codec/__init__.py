"""The codec: values and errors to JSON text and back; what it writes and reads is told in `codec.py`."""

from bizproc.core.codec.codec import Codec, argument_hash
from bizproc.core.codec.recording import recorded_traceback, text_of, without_machinery

__all__ = ["Codec", "argument_hash", "recorded_traceback", "text_of", "without_machinery"]
