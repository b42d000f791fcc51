# A line that does nothing.
#
#
#


def fail():
    raise ValueError("from the depth")
