import os
import time

served = 0


def handler(event, context):
    global served
    served += 1
    body = event["body"] or {}
    time.sleep(body.get("ms", 0) / 1000)
    return {"pid": os.getpid(), "served": served}
