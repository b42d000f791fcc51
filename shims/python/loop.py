"""The instance's event loop: made at the first `async` handler, used for all.

Knows nothing of events and answers.
"""

import asyncio
import contextvars
import gc

_loop = None


async def _await(awaitable):
    return await awaitable


def run(awaitable):
    """Runs an awaitable to its end. Context variables that it sets are its own.

    Not by `asyncio.Runner`, which costs three times as much for the sake of Ctrl-C.
    """
    global _loop
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
        asyncio.set_event_loop(_loop)
    if not asyncio.iscoroutine(awaitable):
        awaitable = _await(awaitable)
    return _loop.run_until_complete(_loop.create_task(awaitable, context=contextvars.copy_context()))


def run_to_end(awaitable):
    """Runs an awaitable in a loop of its own that leaves nothing behind; for use before a fork."""
    asyncio.run(_await(awaitable))
    forget_policy_loop()


def close():
    """Closes the loop that `run` made, if any."""
    global _loop
    if _loop is not None:
        _loop.close()
        _loop = None
    forget_policy_loop()


def forget_policy_loop():
    """Leaves no loop that a child could share with its parent, and lets `get_event_loop` make a new one."""
    policy = asyncio.events._event_loop_policy
    local = getattr(policy, "_local", None)
    if local is not None:
        policy._local = type(local)()


def blockers():
    """One text for each event loop that was made at load and is still open."""
    loops = [item for item in gc.get_objects() if isinstance(item, asyncio.AbstractEventLoop)]
    return [_describe(loop) for loop in loops if not loop.is_closed()]


def _describe(loop):
    tasks = [task.get_coro().__qualname__ for task in asyncio.all_tasks(loop)]
    pending = f" with pending tasks {', '.join(sorted(tasks))}" if tasks else ""
    return f"an asyncio event loop created at load{pending}"
