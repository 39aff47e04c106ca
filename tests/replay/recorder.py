#!/usr/bin/env python3
"""Runs programs of the task language (docs/task-language.md) on CPython's asyncio, and records what they do.

    recorder.py < programs > results      one program a line in, one result a line out
    recorder.py --corpus < programs       each line {"program": .., "result": ..} instead

Needs Python 3.13 or later: earlier ones differ in `wait_for`, `uncancel`, task groups and queues.

Three things are made definite that CPython leaves open. Time is virtual and counted in milliseconds. Timers
with equal deadlines fire in the order in which they were armed. Sets of tasks are iterated in the order in
which tasks were added.
"""
import asyncio
import asyncio.taskgroups
import asyncio.tasks
import gc
import itertools
import json
import sys
import warnings

if sys.version_info < (3, 13):
    sys.exit(f"recorder.py needs Python 3.13 or later, this is {sys.version.split()[0]}")

Cancelled = asyncio.CancelledError


# ------------------------------------------------------------------- definite where CPython is not

class OrderedSet(dict):
    """As much of a set as asyncio uses, iterated in order of insertion."""

    def __init__(self, items=()):
        super().__init__((item, None) for item in items)

    def add(self, item):
        self[item] = None

    def discard(self, item):
        self.pop(item, None)

    def remove(self, item):
        del self[item]


class OrderedTimer(asyncio.TimerHandle):
    """A timer that is later than those of the same deadline that were armed before."""

    numbers = itertools.count()

    def __init__(self, *args):
        super().__init__(*args)
        self.number = next(OrderedTimer.numbers)

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)


asyncio.taskgroups.set = OrderedSet
asyncio.tasks.set = OrderedSet
asyncio.events.TimerHandle = OrderedTimer


class AsCompleted:
    """`async for task in asyncio.as_completed(..)`, with the set of tasks in order."""

    def __init__(self, tasks, timeout):
        self.done = asyncio.Queue()
        self.unfinished = OrderedSet(tasks)
        self.left = len(self.unfinished)
        self.timer = None
        for task in self.unfinished:
            task.add_done_callback(self.on_done)
        if self.unfinished and timeout is not None:
            self.timer = asyncio.get_running_loop().call_later(timeout, self.on_timeout)

    def on_done(self, task):
        if not self.unfinished:
            return  # the timeout came first, while this callback was on its way
        self.unfinished.remove(task)
        self.done.put_nowait(task)
        if not self.unfinished and self.timer is not None:
            self.timer.cancel()

    def on_timeout(self):
        for task in self.unfinished:
            task.remove_done_callback(self.on_done)
            self.done.put_nowait(None)
        self.unfinished.clear()

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.left == 0:
            raise StopAsyncIteration
        self.left -= 1
        task = await self.done.get()
        if task is None:
            raise TimeoutError
        return task


class Deadlock(BaseException):
    """Nothing is ready and no timer is armed: a real loop would wait for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio's loop, whose time stands still while anything is ready and then jumps to the next timer."""

    def __init__(self):
        super().__init__()
        self.now = 0
        self.turns = 0
        self._clock_resolution = 1  # in whole milliseconds: due means when < now + 1
        self._selector = self

    def time(self):
        return self.now

    def select(self, timeout):
        if timeout is None:
            raise Deadlock
        self.now += max(timeout, 0)
        return []

    def _run_once(self):
        self.turns += 1
        super()._run_once()

    def _process_events(self, events):
        pass

    def _write_to_self(self):
        pass

    def close(self):
        self._ready.clear()
        self._scheduled.clear()
        self._selector = None
        super().close()


# ------------------------------------------------------------------------- outcomes as text

class ProgramError(Exception):
    """An error that a program raises: E1, E2, E3."""


class Return:
    """A block ended by `return`."""

    def __init__(self, value):
        self.value = value


def text(value):
    return "null" if value is None else str(value)


def error_name(error):
    match error:
        case ProgramError():
            return error.args[0]
        case BaseExceptionGroup():
            return f"Group({','.join(map(error_name, error.exceptions))})"
        case Cancelled():
            return "Cancelled"
    return type(error).__name__


def result_text(result):
    """An item of `gather(.., return_exceptions=True)`."""
    match result:
        case Cancelled():
            return "cancelled"
        case BaseException():
            return f"err:{error_name(result)}"
    return f"ok:{text(result)}"


def outcome(task):
    if not task.done():
        return "pending"
    if task.cancelled():
        return "cancelled"
    return result_text(task.exception() or task.result())


def names(tasks):
    return ",".join(task.get_name() for task in tasks)


# ------------------------------------------------------------------------- the interpreter

CATCHES = {"cancel": Cancelled, "error": Exception, "any": (Cancelled, Exception)}
QUEUES = {"fifo": asyncio.Queue, "lifo": asyncio.LifoQueue, "priority": asyncio.PriorityQueue}


class Interpreter:
    def __init__(self, program):
        self.program = program
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(self.report)
        self.trace = []
        self.closed = False
        self.tasks, self.handles, self.groups, self.timeouts = {}, {}, {}, {}

    def declare(self, objects):
        self.objects = {name: asyncio.Event() for name in objects.get("events", [])}
        self.objects |= {name: asyncio.Lock() for name in objects.get("locks", [])}
        self.objects |= {name: asyncio.Condition() for name in objects.get("conds", [])}
        self.objects |= {name: self.loop.create_future() for name in objects.get("futs", [])}
        for name, parties in objects.get("barriers", {}).items():
            self.objects[name] = asyncio.Barrier(parties)
        for name, sem in objects.get("sems", {}).items():
            kind = asyncio.BoundedSemaphore if sem.get("bounded") else asyncio.Semaphore
            self.objects[name] = kind(sem["value"])
        for name, queue in objects.get("queues", {}).items():
            self.objects[name] = QUEUES[queue["kind"]](queue["max"])

    def emit(self, what):
        if not self.closed:
            task = asyncio.current_task(self.loop)
            name = task.get_name() if task else "-"
            self.trace.append([self.loop.now, name, what, self.loop.turns])

    def report(self, _, context):
        # Reports about failures that nobody looked at depend on garbage collection: left out.
        if "handle" in context:
            self.emit(f"exc_handler={error_name(context['exception'])}")

    # ---- tasks

    def spawn(self, name, body, create_task=None):
        coroutine = self.task(body)
        try:
            task = (create_task or self.loop.create_task)(coroutine, name=name)
        except RuntimeError:
            coroutine.close()
            raise
        self.tasks[name] = task
        return task

    def child(self, child):
        """The task that a statement is about; None for one that does not exist yet."""
        if "task" in child:
            return self.tasks.get(child["task"])
        return self.spawn(child["name"], child["body"])

    def children(self, s):
        found = [self.child(child) for child in s["children"]]
        return [task for task in found if task is not None]

    async def task(self, body):
        self.emit("start")
        try:
            value = await self.body(body)
        except BaseException as error:
            self.emit(f"end={result_text(error)}")
            raise
        self.emit(f"end=ok:{text(value)}")
        return value

    async def body(self, body):
        ended = await self.block(body)
        return ended.value if ended else None

    async def block(self, body):
        """None when the block ends normally, or a Return."""
        for s in body:
            if not self.act(s):
                ended = await self.statement(s)
                if ended:
                    return ended
        return None

    # ---- statements that never suspend, in tasks and in callbacks

    def act(self, s):
        """False if the statement is none of these."""
        objects = self.objects
        match s["op"]:
            case "log":
                self.emit(f"log:{s['label']}")
            case "raise":
                raise Cancelled if s["error"] == "Cancelled" else ProgramError(s["error"])
            case "spawn":
                self.spawn(s["name"], s["body"])
            case "tg_spawn":
                self.spawn(s["name"], s["body"], self.groups[s["group"]].create_task)
            case "cancel":
                task = self.tasks.get(s["task"])
                answer = "notask" if task is None else str(task.cancel()).lower()
                self.emit(f"cancel:{s['task']}={answer}")
            case "uncancel":
                self.emit(f"uncancel={asyncio.current_task().uncancel()}")
            case "cancelling":
                self.emit(f"cancelling={asyncio.current_task().cancelling()}")
            case "reschedule":
                when = None if s["ms"] is None else self.loop.time() + s["ms"]
                self.timeouts[s["timeout"]].reschedule(when)
            case "call_soon":
                self.handles[s["name"]] = self.loop.call_soon(self.callback, s)
            case "call_later":
                self.handles[s["name"]] = self.loop.call_later(s["ms"], self.callback, s)
            case "cancel_handle":
                handle = self.handles.get(s["name"])
                if handle is not None:
                    handle.cancel()
                self.emit(f"cancel_handle:{s['name']}={'none' if handle is None else 'ok'}")
            case "add_done_callback":
                self.add_done_callback(s)
            case "fut_set":
                objects[s["fut"]].set_result(s["value"])
            case "fut_err":
                objects[s["fut"]].set_exception(ProgramError(s["error"]))
            case "fut_cancel":
                answer = str(objects[s["fut"]].cancel()).lower()
                self.emit(f"fut_cancel:{s['fut']}={answer}")
            case "event_set":
                objects[s["event"]].set()
            case "event_clear":
                objects[s["event"]].clear()
            case "release":
                objects[s["lock"]].release()
            case "sem_release":
                objects[s["sem"]].release()
            case "put_nowait":
                objects[s["queue"]].put_nowait(s["value"])
                self.emit(f"put:{s['queue']}={text(s['value'])}")
            case "get_nowait":
                self.emit(f"get:{s['queue']}={text(objects[s['queue']].get_nowait())}")
            case "task_done":
                objects[s["queue"]].task_done()
            case "shutdown":
                objects[s["queue"]].shutdown(s["immediate"])
            case "cond_notify" if s["n"] is None:
                objects[s["cond"]].notify_all()
            case "cond_notify":
                objects[s["cond"]].notify(s["n"])
            case _:
                return False
        return True

    def callback(self, s):
        self.emit(f"callback:{s['name']}")
        for inner in s["body"]:
            self.act(inner)

    def add_done_callback(self, s):
        task = self.tasks.get(s["task"])
        if task is None:
            self.emit(f"add_done_callback:{s['task']}=notask")
            return

        def callback(task):
            self.emit(f"done_cb:{s['label']}:{s['task']}={outcome(task)}")
            for inner in s["body"]:
                self.act(inner)

        task.add_done_callback(callback)

    # ---- statements of tasks

    async def statement(self, s):
        """None, or a Return."""
        objects, op = self.objects, s["op"]
        match op:
            case "return":
                return Return(s["value"])
            case "sleep":
                await asyncio.sleep(s["ms"])
            case "try":
                return await self.guarded(s)
            case "finally":
                return await self.finally_(s)
            case "await" | "shield":
                await self.await_child(s)
            case "fut_await":
                self.emit(f"fut_await:{s['fut']}={text(await objects[s['fut']])}")
            case "gather":
                tasks = self.children(s)
                results = await asyncio.gather(*tasks, return_exceptions=s["return_exceptions"])
                self.emit(f"gather=[{','.join(map(result_text, results))}]")
            case "wait":
                await self.wait(s)
            case "wait_for":
                await self.wait_for(s)
            case "timeout":
                async with asyncio.timeout(s["ms"]) as timeout:
                    self.timeouts[s["name"]] = timeout
                    ended = await self.block(s["body"])
                self.emit(f"timeout:{s['name']}={'expired' if timeout.expired() else 'ok'}")
                return ended
            case "task_group":
                async with asyncio.TaskGroup() as group:
                    self.groups[s["name"]] = group
                    for child in s["children"]:
                        self.spawn(child["name"], child["body"], group.create_task)
                    ended = await self.block(s["body"])
                self.emit(f"group:{s['name']}=ok")
                return ended
            case "as_completed":
                async for task in AsCompleted(self.children(s), s["timeout"]):
                    self.emit(f"next:{task.get_name()}={outcome(task)}")
                self.emit("as_completed=end")
            case "event_wait":
                await objects[s["event"]].wait()
                self.emit(f"event_wait:{s['event']}")
            case "lock" | "sem" | "cond":
                async with objects[s[op]]:
                    self.emit(f"{op}:{s[op]}")
                    return await self.block(s["body"])
            case "acquire":
                await objects[s["lock"]].acquire()
                self.emit(f"acquire:{s['lock']}")
            case "sem_acquire":
                await objects[s["sem"]].acquire()
                self.emit(f"sem_acquire:{s['sem']}")
            case "cond_wait":
                await objects[s["cond"]].wait()
                self.emit(f"cond_wait:{s['cond']}")
            case "put":
                await objects[s["queue"]].put(s["value"])
                self.emit(f"put:{s['queue']}={text(s['value'])}")
            case "get":
                self.emit(f"get:{s['queue']}={text(await objects[s['queue']].get())}")
            case "join":
                await objects[s["queue"]].join()
                self.emit(f"join:{s['queue']}")
            case "barrier_wait":
                self.emit(f"barrier_wait:{s['barrier']}={await objects[s['barrier']].wait()}")
            case "barrier_abort":
                await objects[s["barrier"]].abort()
                self.emit(f"barrier_abort:{s['barrier']}")
            case "barrier_reset":
                await objects[s["barrier"]].reset()
                self.emit(f"barrier_reset:{s['barrier']}")
            case _:
                raise NotImplementedError(op)
        return None

    async def guarded(self, s):
        try:
            return await self.block(s["body"])
        except CATCHES[s["catch"]] as error:
            self.emit(f"caught={error_name(error)}")
            ended = await self.block(s["handler"])
            if ended or not s["reraise"]:
                return ended
            raise

    async def finally_(self, s):
        try:
            return await self.block(s["body"])
        finally:
            self.emit("finally")
            await self.block(s["final"])

    async def await_child(self, s):
        task = self.child(s["of"])
        if task is None:
            self.emit(f"{s['op']}:{s['of']['task']}=notask")
            return
        value = await (task if s["op"] == "await" else asyncio.shield(task))
        self.emit(f"{s['op']}:{task.get_name()}={text(value)}")

    async def wait(self, s):
        tasks = self.children(s)
        if not tasks:
            self.emit("wait=empty")
            return
        mode = s["mode"].upper()
        done, pending = await asyncio.wait(
            tasks, timeout=s["timeout"], return_when=getattr(asyncio, mode))
        done = names(task for task in tasks if task in done)
        pending = names(task for task in tasks if task in pending)
        self.emit(f"wait=done[{done}]pending[{pending}]")

    async def wait_for(self, s):
        child, ms = s["of"], s["ms"]
        if "body" in child and (ms is None or ms > 0):
            awaited = self.body(child["body"])
        else:
            awaited = self.child(child)
        if awaited is None:
            self.emit(f"wait_for:{child['task']}=notask")
            return
        self.emit(f"wait_for={text(await asyncio.wait_for(awaited, ms))}")

    # ---- the runner, as asyncio.run

    def run(self):
        self.declare(self.program.get("objects", {}))
        main = self.spawn("main", self.program["main"])
        try:
            self.loop.run_until_complete(main)
        except Deadlock:
            self.emit("deadlock")
        except (Cancelled, Exception):
            pass
        if main.done():
            self.emit(f"main_done={outcome(main)}")
        alive = [task for task in self.tasks.values() if not task.done()]
        if alive:
            self.cancel_all(alive)
        self.closed = True
        final = {name: [outcome(task), task.cancelling()] for name, task in self.tasks.items()}
        for task in self.tasks.values():
            task._log_destroy_pending = False
        self.loop.close()
        return {"trace": self.trace, "final": final, "end_time": self.loop.now,
                "iterations": self.loop.turns}

    def cancel_all(self, alive):
        self.emit(f"cancel_all=[{names(alive)}]")
        for task in alive:
            task.cancel()
        try:
            self.loop.run_until_complete(asyncio.gather(*alive, return_exceptions=True))
        except Deadlock:
            self.emit("deadlock")
            return
        for task in alive:
            ended = outcome(task)
            if ended.startswith("err:"):
                self.emit(f"shutdown_exc:{task.get_name()}={ended.removeprefix('err:')}")


def record(program):
    interpreter = Interpreter(program)
    asyncio.set_event_loop(interpreter.loop)
    gc.disable()
    try:
        return interpreter.run()
    finally:
        asyncio.set_event_loop(None)
        gc.enable()


def main():
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda *_: None
    corpus = "--corpus" in sys.argv
    for line in sys.stdin:
        program = json.loads(line)
        program = program.get("program", program)
        result = record(program)
        line = {"program": program, "result": result} if corpus else result
        print(json.dumps(line, separators=(",", ":")), flush=True)


if __name__ == "__main__":
    main()
