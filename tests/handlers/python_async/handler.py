import asyncio
import contextlib

LOOPS = []


@contextlib.asynccontextmanager
async def resource():
    await asyncio.sleep(0)
    yield "resource"


async def numbers():
    for number in range(3):
        await asyncio.sleep(0.001)
        yield number


async def handler(event, context):
    LOOPS.append(asyncio.get_running_loop())
    async with resource() as name:
        found = [number async for number in numbers()]
    in_thread = await asyncio.to_thread(lambda: "thread")
    if event["body"] == "fail":
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()
    return {"name": name, "numbers": found, "inThread": in_thread, "oneLoop": len(set(map(id, LOOPS))) == 1}
