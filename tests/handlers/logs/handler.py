import logging
import sys
import warnings

logging.getLogger().setLevel(logging.DEBUG)
print("at load")


def handler(event, context):
    print("plain", {"a": 1}, [2])
    logging.debug("debug")
    logging.getLogger("some.module").warning("warn")
    print("error", file=sys.stderr)
    print("two\nlines")
    print("snow ", end="")
    print("☃", end="")
    body = event["body"] or {}
    if body.get("fail"):
        raise RuntimeError("after the logs")
    if body.get("long"):
        print("x" * 100_000)
