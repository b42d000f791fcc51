"""Sends what user code prints, logs and warns to the function's log, each line once and with its level.

Knows nothing of invocations: the native side knows which one is running.
"""

import io
import logging
import sys
import warnings

import _zygo_native as native

DEBUG, INFO, WARN, ERROR = 0, 1, 2, 3


class LogStream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr`: every line written becomes a line of the log."""

    encoding = "utf-8"
    errors = "backslashreplace"
    mode = "w"
    line_buffering = True

    def __init__(self, name, level, descriptor):
        self.name = name
        self._descriptor = descriptor
        # The native method itself, so that `print` runs no Python code of ours.
        self.write = native.line_writer(level)
        self.buffer = LogBytes(self)

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor

    def reconfigure(self, **_options):
        """Accepted for the sake of programs that ask for UTF-8 or line buffering; both are so already."""

    def close(self):
        """The stream outlives everyone who believes to own it."""


class LogBytes(io.RawIOBase):
    """`sys.stdout.buffer`: bytes are taken as UTF-8."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self._stream.write(data.decode("utf-8", "backslashreplace"))
        return len(data)

    def fileno(self):
        return self._stream.fileno()

    def close(self):
        """See `LogStream.close`."""


class LogHandler(logging.Handler):
    """The root logger's handler until user code installs its own."""

    def emit(self, record):
        if _written_by_another_handler(record):
            return
        _write(self, record)


def _level(levelno):
    if levelno < logging.INFO:
        return DEBUG
    if levelno < logging.WARNING:
        return INFO
    return WARN if levelno < logging.ERROR else ERROR


def _write(handler, record):
    try:
        text = handler.format(record)
        # Several handlers of one program lead to the same log, where the same text is wanted once.
        if getattr(record, "_zygo_written", None) != text:
            record._zygo_written = text
            native.log(_level(record.levelno), text)
    except RecursionError:
        raise
    except Exception:
        handler.handleError(record)


def _writes_here(handler):
    return isinstance(getattr(handler, "stream", None), LogStream)


def _written_by_another_handler(record):
    return hasattr(record, "_zygo_written") or any(map(_writes_here, logging.root.handlers))


_emit_to_stream = logging.StreamHandler.emit
_basic_config = logging.basicConfig
_handler = LogHandler()


def _emit(self, record):
    """`StreamHandler.emit`, which keeps the level of records that go to our streams."""
    if _writes_here(self):
        _write(self, record)
    else:
        _emit_to_stream(self, record)


def basicConfig(**options):
    if logging.root.handlers == [_handler]:
        # It does nothing when the root logger has a handler, and ours is there only as a default.
        logging.root.removeHandler(_handler)
    _basic_config(**options)


basicConfig.__doc__ = _basic_config.__doc__


def _show_warning(message, category, filename, lineno, file=None, line=None):
    text = warnings.formatwarning(message, category, filename, lineno, line)
    if file is None:
        native.log(WARN, text.rstrip("\n"))
    else:
        file.write(text)


def install():
    sys.stdout = sys.__stdout__ = LogStream("<stdout>", INFO, 1)
    sys.stderr = sys.__stderr__ = LogStream("<stderr>", ERROR, 2)
    logging.StreamHandler.emit = _emit
    logging.basicConfig = basicConfig
    logging.root.addHandler(_handler)
    warnings.showwarning = _show_warning
    # Deprecations in user code are for its author's tests, not for the log of every start.
    warnings.simplefilter("default", UserWarning)
