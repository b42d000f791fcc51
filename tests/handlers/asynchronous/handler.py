import asyncio


async def handler(event, context):
    order = []

    async def step(ms):
        await asyncio.sleep(ms / 1000)
        order.append(ms)

    await asyncio.gather(*(step(ms) for ms in (30, 10, 20)))
    return {"order": order}
