"""What is wrong with an input, where, and how it is put right."""

DEPTH_MAX = 100


class Problem(Exception):
    def __init__(self, message, fix, line=None, column=None, status=400):
        super().__init__(message if line is None else f"line {line}, column {column}: {message}")
        self.fix, self.line, self.column, self.status = fix, line, column, status


def at(text, offset, message, fix):
    line = text.count("\n", 0, offset) + 1
    return Problem(message, fix, line, offset - text.rfind("\n", 0, offset))


def too_deep():
    return Problem(f"the data is nested more than {DEPTH_MAX} deep", "flatten it")
