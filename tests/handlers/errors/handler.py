from lib.deep import fail


class OrderError(Exception):
    pass


def own(event):
    raise RuntimeError("own")


def custom(event):
    raise OrderError("custom ☃")


def deep(event):
    fail()


def cause(event):
    try:
        fail()
    except ValueError as error:
        raise RuntimeError("outer") from error


def builtin(event):
    return event["body"]["missing"]


def text(event):
    raise RuntimeError("x" * 1_000_000)


def handler(event, context):
    return globals()[event["body"]](event)
