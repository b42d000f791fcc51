"""Turns an exception into what users are told of it. Knows nothing of the wire."""

import os
import sys
import traceback

_CHAIN_LEN_MAX = 8


def describe(exception, root):
    """Returns the exception's class, its message, and the frames in files under `root`, innermost first."""
    return _type(exception), _message(exception, root), _stack(exception, root)


def describe_out_of_memory(exception, root):
    """Like `describe`, but first lets go of what the failed frames hold, so that there is memory to describe it."""
    traceback.clear_frames(exception.__traceback__)
    return "MemoryError", str(exception), _frames(exception, root)


def _type(exception):
    return type(exception).__qualname__.rpartition("<locals>.")[2]


def _message(exception, root):
    try:
        text = _special_message(exception, root) or str(exception)
    except Exception as failed:
        text = f"<the message cannot be shown: {_type(failed)}>"
    return "\n".join([text, *getattr(exception, "__notes__", ())])


def _special_message(exception, root):
    if isinstance(exception, SyntaxError) and exception.filename:
        return f'{exception.msg} (File "{_relative(exception.filename, root)}", line {exception.lineno})'
    if isinstance(exception, ModuleNotFoundError) and exception.name:
        return _missing_module(exception)
    if isinstance(exception, SystemExit):
        return f"sys.exit({exception.code!r}) was called"
    return None


def _missing_module(exception):
    top = exception.name.partition(".")[0]
    if top in sys.modules:
        return str(exception)
    return f"{exception}; add it to the bundle (pip install --target . {top})"


def _relative(filename, root):
    inside = os.path.relpath(filename, root)
    return filename if inside.startswith("..") else inside


def _stack(exception, root):
    """Frames of the exception, then of what caused it."""
    lines, seen = [], set()
    while exception is not None and id(exception) not in seen and len(seen) < _CHAIN_LEN_MAX:
        if seen:
            lines.append(f"caused by: {_type(exception)}: {_message(exception, root)}")
        seen.add(id(exception))
        lines += _frames(exception, root)
        lines += _members(exception, root)
        exception = _cause(exception)
    return lines


def _cause(exception):
    if exception.__cause__ is not None or exception.__suppress_context__:
        return exception.__cause__
    return exception.__context__


def _members(exception, root):
    """What an exception group holds, each with its innermost frame."""
    if not isinstance(exception, BaseExceptionGroup):
        return []
    lines = []
    for member in exception.exceptions[:_CHAIN_LEN_MAX]:
        lines.append(f"caused by: {_type(member)}: {_message(member, root)}")
        lines += _frames(member, root)[:1]
    return lines


def _frames(exception, root):
    inside = os.path.join(root, "")
    frames = [
        f'File "{frame.f_code.co_filename[len(inside):]}", line {line}, in {frame.f_code.co_name}'
        for frame, line in traceback.walk_tb(exception.__traceback__)
        if frame.f_code.co_filename.startswith(inside)
    ]
    if isinstance(exception, SyntaxError) and exception.filename:
        frames.append(f'File "{_relative(exception.filename, root)}", line {exception.lineno}')
    return frames[::-1]
