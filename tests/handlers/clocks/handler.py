import datetime
import os
import time


def handler(event, context):
    return {
        "pid": os.getpid(),
        "unixMs": time.time() * 1000,
        "otherMs": datetime.datetime.now(datetime.timezone.utc).timestamp() * 1000,
        "monotonicMs": time.monotonic() * 1000,
    }
