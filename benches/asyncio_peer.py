"""The workloads on asyncio or uvloop: asyncio_peer.py LOOP WORKLOAD N

Prints one line for each row, as the Rust program does with `--once`. CPU time is that of the whole process.
What a workload does is said beside its namesake in src/workloads/.
"""

import asyncio
import random
import sys
import threading
import time
import tracemalloc
from collections import deque


class Laps:
    def __init__(self):
        self.figures = []
        self.start()

    def start(self):
        self.begin = time.process_time_ns()

    def lap(self, n):
        self.note((time.process_time_ns() - self.begin) / n)
        self.start()

    def note(self, figure):
        self.figures.append(figure)


async def nothing():
    pass


async def spawn_await(n, laps):
    create_task = asyncio.get_running_loop().create_task
    laps.start()
    for _ in range(n):
        await create_task(nothing())
    laps.lap(n)


async def spawn_all(n, laps):
    laps.start()
    for task in [asyncio.create_task(nothing()) for _ in range(n)]:
        await task
    laps.lap(n)


def yields(tasks):
    async def worker(n):
        for _ in range(n):
            await asyncio.sleep(0)

    async def run(n, laps):
        laps.start()
        await asyncio.wait([asyncio.create_task(worker(n // tasks)) for _ in range(tasks)])
        laps.lap(n // tasks * tasks)

    return run


class Link:
    """Counts tokens from one task to another, over a bare future."""

    def __init__(self):
        self.tokens = 0
        self.receiver = None

    def send(self):
        self.tokens += 1
        if self.receiver is not None:
            self.receiver.set_result(None)
            self.receiver = None

    async def receive(self):
        while not self.tokens:
            self.receiver = asyncio.get_running_loop().create_future()
            await self.receiver
        self.tokens -= 1


def ring(tokens):
    async def worker(link, following, n):
        for _ in range(n):
            await link.receive()
            following.send()

    async def run(n, laps):
        links = [Link() for _ in range(1000)]
        each = n // 1000
        pairs = zip(links, links[1:] + links[:1])
        tasks = [asyncio.create_task(worker(*pair, each)) for pair in pairs]
        await asyncio.sleep(0)
        laps.start()
        for link in links[:: 1000 // tokens]:
            link.send()
        await asyncio.wait(tasks)
        laps.lap(each * 1000)

    return run


async def ping_pong(n, laps):
    ping, pong = Link(), Link()

    async def answer():
        for _ in range(n):
            await ping.receive()
            pong.send()

    laps.start()
    other = asyncio.create_task(answer())
    for _ in range(n):
        ping.send()
        await pong.receive()
    laps.lap(n)
    await other


async def ping_pong_own(n, laps):
    ping, pong = asyncio.Queue(1), asyncio.Queue(1)

    async def answer():
        for _ in range(n):
            await pong.put(await ping.get())

    laps.start()
    other = asyncio.create_task(answer())
    for i in range(n):
        await ping.put(i)
        await pong.get()
    laps.lap(n)
    await other


async def sleeps(n, laps):
    """Timers are handles of call_later here; a reset is a cancel and another."""
    call_later = asyncio.get_running_loop().call_later
    delays = [random.uniform(10, 70) for _ in range(n)]
    laps.start()
    handles = [call_later(delay, nothing) for delay in delays]
    laps.lap(n)
    for _ in range(2):
        for i, delay in enumerate(delays):
            handles[i].cancel()
            handles[i] = call_later(delay, nothing)
        laps.lap(n)
    for handle in handles:
        handle.cancel()
    laps.lap(n)
    handles = [call_later(delay, nothing) for delay in delays]
    laps.lap(n)


async def timeout(n, laps):
    laps.start()
    for _ in range(n):
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
    laps.lap(n)


async def expire(n, laps):
    late = []

    async def sleep_until(due):
        await asyncio.sleep(due - time.perf_counter())
        late.append((time.perf_counter() - due) * 1e9)

    first = time.perf_counter() + 2e-5 * n
    tasks = [asyncio.create_task(sleep_until(first + random.random())) for _ in range(n)]
    await asyncio.sleep(0)
    laps.start()
    await asyncio.sleep(first + 1 - time.perf_counter())
    while len(late) < n:
        await asyncio.sleep(0.005)
    laps.lap(n)
    late.sort()
    laps.note(late[len(late) // 2])
    laps.note(late[len(late) * 99 // 100])
    await asyncio.wait(tasks)


async def single_sleep(n, laps):
    late = []
    for _ in range(n):
        due = time.perf_counter() + 300e-6
        await asyncio.sleep(300e-6)
        late.append((time.perf_counter() - due) * 1e9)
    laps.note(sorted(late)[len(late) // 2])


async def park_on_sleep(n, laps):
    laps.start()
    tasks = [asyncio.create_task(asyncio.sleep(random.uniform(10, 70))) for _ in range(n)]
    await asyncio.sleep(0)
    laps.lap(n)
    await cancel_all(tasks)


async def parked(i):
    a = b = c = d = e = f = g = h = i  # 64 bytes of state
    await asyncio.get_running_loop().create_future()
    return a, b, c, d, e, f, g, h


async def cancel_all(tasks):
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def cancel(n, laps):
    laps.start()
    tasks = [asyncio.create_task(parked(i)) for i in range(n)]
    await asyncio.sleep(0)
    laps.lap(n)
    await cancel_all(tasks)
    laps.lap(n)


def in_groups(size, collect):
    async def member():
        await asyncio.sleep(0)

    async def run(n, laps):
        laps.start()
        for _ in range(max(n // size, 1)):
            await collect([asyncio.create_task(member()) for _ in range(size)])
        laps.lap(max(n // size, 1) * size)

    return run


async def gather(tasks):
    await asyncio.gather(*tasks)


async def remote_wake(n, laps):
    """A thread calls, a task answers."""
    loop = asyncio.get_running_loop()
    calls, answer = asyncio.Queue(), threading.Semaphore(0)
    wall = []

    def call():
        begin = time.perf_counter_ns()
        for i in range(n):
            loop.call_soon_threadsafe(calls.put_nowait, i)
            answer.acquire()
        wall.append((time.perf_counter_ns() - begin) / n)

    laps.start()
    caller = threading.Thread(target=call)
    caller.start()
    for _ in range(n):
        await calls.get()
        answer.release()
    caller.join()
    laps.lap(n)
    laps.note(wall[0])


async def offload(n, laps):
    loop = asyncio.get_running_loop()
    job = int
    await loop.run_in_executor(None, job)
    laps.start()
    begin = time.perf_counter_ns()
    for _ in range(n):
        await loop.run_in_executor(None, job)
    wall = time.perf_counter_ns() - begin
    laps.lap(n)
    laps.note(wall / n)


async def memory(n, laps):
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tasks = [asyncio.create_task(parked(i)) for i in range(n)]
    await asyncio.sleep(0)
    laps.note((tracemalloc.get_traced_memory()[0] - before) / n)
    tracemalloc.stop()
    await cancel_all(tasks)


async def timer_memory(n, laps):
    call_later = asyncio.get_running_loop().call_later
    delays = deque(random.uniform(10, 70) for _ in range(n))
    handles = [None] * n
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for i, delay in enumerate(delays):
        handles[i] = call_later(delay, nothing)
    laps.note((tracemalloc.get_traced_memory()[0] - before) / n)


WORKLOADS = {
    "spawn-await-main": spawn_await,
    "spawn-await": spawn_await,
    "spawn-all": spawn_all,
    "yield-1": yields(1),
    "yield-1000": yields(1000),
    "ring-1": ring(1),
    "ring-200": ring(200),
    "ping-pong": ping_pong,
    "ping-pong-own": ping_pong_own,
    "sleeps": sleeps,
    "timeout": timeout,
    "expire": expire,
    "single-sleep": single_sleep,
    "park-on-sleep": park_on_sleep,
    "cancel": cancel,
    "gather-10": in_groups(10, gather),
    "gather-10k": in_groups(10_000, gather),
    "wait-10": in_groups(10, asyncio.wait),
    "wait-10k": in_groups(10_000, asyncio.wait),
    "remote-wake": remote_wake,
    "offload": offload,
    "memory": memory,
    "timer-memory": timer_memory,
}


def main():
    loop_name, workload, n = sys.argv[1:]
    factory = asyncio.new_event_loop
    if loop_name == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    laps = Laps()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(WORKLOADS[workload](int(n), laps))
    for figure in laps.figures:
        print(f"{figure:.1f}")


main()
