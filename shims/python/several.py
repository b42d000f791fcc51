"""Several invocations at once: asynchronous handlers and applications are tasks of one event loop, all others run in
threads, one for each.

Knows nothing of the wire. Which invocation a line belongs to is a context variable, which tasks inherit; threads that
user code starts by itself begin with none.
"""

import asyncio
import concurrent.futures
import contextvars
import inspect
import threading

import _zygo_native as native
from _zygo import apps

# What a thread may use of the function's memory for its calls.
_STACK_BYTES = 1024 * 1024

_number = contextvars.ContextVar("zygo_number", default=0)


class _Threads(concurrent.futures.ThreadPoolExecutor):
    """As many threads as are wanted, or as memory allows: the others then take over the work."""

    def _adjust_thread_count(self):
        try:
            super()._adjust_thread_count()
        except RuntimeError:
            if not self._threads:
                raise


def _is_async(handler):
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
    return any(kind(one) for kind in kinds for one in (handler, getattr(handler, "__call__", None)))


def _outcome(function, *arguments):
    """What it raised and what it returned: not every exception passes through a future."""
    try:
        return None, function(*arguments)
    except BaseException as error:
        return error, None


def serve(desk, handler, concurrency):
    """Serves for the rest of the process's life."""
    threading.stack_size(_STACK_BYTES)
    apps.multithread = True
    native.serve_several(_number)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    _Server(desk, handler, concurrency, loop).start()
    loop.run_forever()


class _Server:
    def __init__(self, desk, handler, concurrency, loop):
        self._desk = desk
        self._handler = handler
        self._is_async = _is_async(handler)
        self._loop = loop
        self._threads = _Threads(concurrency, "invocation")
        # Tasks that nobody holds would be collected.
        self._tasks = set()
        # Who waits for room for a piece, by number.
        self._rooms = {}

    def start(self):
        self._loop.add_reader(self._desk.fd(), self._take_asked)

    def _take_asked(self):
        while (asked := self._desk.next()) is not None:
            if isinstance(asked, int):
                room = self._rooms.pop(asked, None)
                if room is not None and not room.done():
                    room.set_result(None)
                continue
            number, arguments = asked
            context = contextvars.copy_context()
            context.run(_number.set, number)
            task = self._loop.create_task(self._serve(number, arguments), context=context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, number, arguments):
        # Of the handler, for all that runs in threads.
        context = contextvars.copy_context()
        try:
            result = await self._call(number, arguments, context)
        except BaseException as error:
            self._desk.fail(number, error)
            return
        source = self._desk.answer(number, result)
        if source is None:
            return
        try:
            await self._give(number, source, context)
        except BaseException as error:
            self._desk.fail(number, error)
        else:
            self._desk.end(number)

    async def _call(self, number, arguments, context):
        if self._is_async:
            result = self._handler(*arguments)
        else:
            result = await self._in_thread(context, self._call_in_thread, number, arguments)
        return await result if inspect.isawaitable(result) else result

    def _call_in_thread(self, number, arguments):
        self._desk.started(number)
        return self._handler(*arguments)

    async def _in_thread(self, context, function, *arguments):
        error, result = await self._loop.run_in_executor(self._threads, context.run, _outcome, function, *arguments)
        if error is not None:
            raise error
        return result

    async def _give(self, number, source, context):
        if not hasattr(source, "__aiter__"):
            await self._in_thread(context, self._give_in_thread, number, source)
            return
        try:
            async for piece in source:
                await self._push(number, piece)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    def _give_in_thread(self, number, source):
        try:
            for piece in source:
                self._desk.push_waiting(number, piece)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    async def _push(self, number, piece):
        is_text, data = self._desk.piece(piece)
        sent = self._desk.push(number, is_text, data, 0)
        while sent < len(data):
            room = self._rooms[number] = self._loop.create_future()
            await room
            sent += self._desk.push(number, is_text, data, sent)
