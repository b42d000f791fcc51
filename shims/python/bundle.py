"""The user's files: checks their syntax at deploy. Runs in a process of its own."""

import csv
import os
import py_compile


def build(root):
    """Compiles every source file of the bundle. Raises the first syntax error in a file that the user wrote.

    Vendored packages may hold files that this Python cannot read (templates, tests for another version); only an
    import of them would fail.
    """
    vendored = _vendored(root)
    for path in _sources(root):
        try:
            _compile(path)
        except py_compile.PyCompileError as error:
            if os.path.relpath(path, root) not in vendored:
                raise error.exc_value from None


def _compile(path):
    try:
        # By hash, because the files' times are not those of the machine on which they will be loaded.
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        py_compile.compile(path, doraise=True, invalidation_mode=mode)
    except OSError:
        # A bundle that cannot be written to works without compiled files; the syntax is checked before writing.
        pass


def _sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "node_modules"))
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".py"))


def _vendored(root):
    """The files that installed packages say are theirs."""
    names = set()
    for folder, _, files in os.walk(root):
        if folder.endswith(".dist-info") and "RECORD" in files:
            with open(os.path.join(folder, "RECORD"), newline="", encoding="utf-8") as record:
                base = os.path.relpath(os.path.dirname(folder), root)
                names.update(os.path.normpath(os.path.join(base, row[0])) for row in csv.reader(record) if row)
    return names
