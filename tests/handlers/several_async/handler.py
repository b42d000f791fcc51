# The same as the handler of `several`, as tasks of one event loop.
import asyncio
import os

met = {}
opened = {}


def event_of(name):
    return opened.setdefault(name, asyncio.Event())


async def meet(name, of):
    """Waits until so many have come there."""
    met[name] = met.get(name, 0) + 1
    if met[name] >= of:
        event_of(name).set()
    await event_of(name).wait()


async def pieces(body, name):
    for round in range(3):
        await meet(f"{name}-{round}", 2)
        print(f"{body['own']} gives {round}")
        yield f"{body['own']}{round}"


async def endless():
    try:
        while True:
            yield "x" * 64 * 1024
    finally:
        print("endless has ended")


async def large(mib):
    for _ in range(mib * 16):
        yield "x" * 64 * 1024


async def handler(event, context):
    body = event["body"]
    match body["do"]:
        case "meet":
            print(f"{body['own']} has come")
            await meet("all", body["of"])
            await asyncio.sleep(0.001)
            print(f"{body['own']} goes")
            return {"pid": os.getpid(), "requestId": context.aws_request_id}
        case "stay":
            print(f"{body['own']} stays")
            await meet("never", float("inf"))
        case "nap":
            await asyncio.sleep(body["ms"] / 1000)
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
