"""The instance's event loop: made at the first `async` handler, used for all.

Knows nothing of events and answers.
"""

import asyncio
import contextvars
import gc

_runner = None


async def _await(awaitable):
    return await awaitable


def run(awaitable):
    """Runs an awaitable to its end. Context variables that it sets are its own."""
    global _runner
    if _runner is None:
        _runner = asyncio.Runner()
    if not asyncio.iscoroutine(awaitable):
        awaitable = _await(awaitable)
    return _runner.run(awaitable, context=contextvars.copy_context())


def run_to_end(awaitable):
    """Runs an awaitable in a loop of its own that leaves nothing behind; for use before a fork."""
    asyncio.run(_await(awaitable))
    forget_policy_loop()


def close():
    """Closes the loop that `run` made, if any."""
    global _runner
    if _runner is not None:
        _runner.close()
        _runner = None
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
