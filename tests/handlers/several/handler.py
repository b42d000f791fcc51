# Invocations that meet: what the module keeps is shared by all that run in one process.
import os
import threading
import time

lock = threading.Condition()
met = {}


def meet(name, of):
    """Waits until so many have come there."""
    with lock:
        met[name] = met.get(name, 0) + 1
        lock.notify_all()
        lock.wait_for(lambda: met[name] >= of)


def pieces(body, name):
    for round in range(3):
        meet(f"{name}-{round}", 2)
        print(f"{body['own']} gives {round}")
        yield f"{body['own']}{round}"


def endless():
    try:
        while True:
            yield "x" * 64 * 1024
    finally:
        print("endless has ended")


def large(mib):
    for _ in range(mib * 16):
        yield "x" * 64 * 1024


def handler(event, context):
    body = event["body"]
    match body["do"]:
        case "meet":
            print(f"{body['own']} has come")
            meet("all", body["of"])
            print(f"{body['own']} goes")
            return {"pid": os.getpid(), "requestId": context.aws_request_id}
        case "stay":
            print(f"{body['own']} stays")
            meet("never", float("inf"))
        case "nap":
            time.sleep(body["ms"] / 1000)
        case "echo":
            return {"pid": os.getpid(), "own": body["own"], "text": body["text"]}
        case "fail":
            raise TypeError(f"of {body['own']}")
        case "crash":
            os._exit(3)
        case "stream":
            return pieces(body, "stream")
        case "endless":
            return endless()
        case "large":
            return large(body["mib"])
    return {"pid": os.getpid()}
