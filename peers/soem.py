"""SOEM through pysoem as a row of `zerocat bench compare`.

    python soem.py            send_processdata and receive_processdata, cycle by cycle
    python soem.py --empty    two calls of receive_processdata with nothing sent: what of a cycle is Python's and pysoem's

The plan comes as a line of JSON on standard input, the report goes as one to standard output (docs/bench.md). SubDevices
must answer until it has said `ready`; after that the bench may put something else in their place. One thread does all,
with the priority and on the CPU of the plan, the garbage collector off.
"""

import gc
import json
import os
import resource
import sys
import time

import pysoem

FIRST_SIGN = 20
REWARM = 100
STINT = 50_000_000
PAUSE = 0.005
SILENCE = 0.002
BUCKETS = 40
HYBRID_SPIN = 50_000
NEVER = 1 << 62


def bring_up(plan):
    """SAFE-OP, with the process data mapped; or an end with a sentence."""
    master = pysoem.Master()
    master.open(plan["interface"])
    if master.config_init() < 1:
        sys.exit("SOEM found no SubDevices")
    master.config_map()
    if master.state_check(pysoem.SAFEOP_STATE, 2_000_000) != pysoem.SAFEOP_STATE:
        sys.exit("SOEM: not all SubDevices in SAFE-OP")
    return master


def real_time(plan):
    """Priority and CPU of the calling thread. Sentences about what couldn't be had."""
    missing = []
    try:
        if plan["cpu"] is not None:
            os.sched_setaffinity(0, {plan["cpu"]})
        if plan["priority"] is not None:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(plan["priority"]))
    except OSError as error:
        missing.append(f"CPU and priority: {error.strerror}")
    return missing


class Cost:
    """What the kernel has counted so far."""

    def __init__(self):
        self.usage = resource.getrusage(resource.RUSAGE_SELF)
        self.process, self.thread = time.process_time_ns(), time.thread_time_ns()

    def until_now(self, exchanges):
        now = Cost()
        more = lambda *names: sum(getattr(now.usage, name) - getattr(self.usage, name) for name in names)
        return {
            "exchanges": exchanges,
            "cpu_ns": now.process - self.process,
            "thread_cpu_ns": now.thread - self.thread,
            "switches": more("ru_nvcsw", "ru_nivcsw"),
            "faults": more("ru_minflt", "ru_majflt"),
        }


class Row:
    def __init__(self, plan, master, empty):
        self.plan, self.master, self.empty = plan, master, empty
        self.deadline_us = plan["deadline_us"]
        self.cycles, self.wake_ups, self.timeline = {}, {}, []
        self.lost = self.skipped = self.faults = self.exchanges = 0
        self.counter, self.cost = None, Cost()

    def exchange(self):
        """The working counter, below 0 when nothing came back."""
        self.exchanges += 1
        if self.empty:
            self.master.receive_processdata(0)
            self.master.receive_processdata(0)
            return 0
        self.master.send_processdata()
        return self.master.receive_processdata(self.deadline_us)

    def warm_up(self, times):
        back = 0
        for _ in range(times):
            if self.exchange() >= 0:
                back += 1
            else:
                time.sleep(SILENCE)
        return back

    def wait(self, tick):
        margin = {"sleep": 0, "hybrid": HYBRID_SPIN, "spin": NEVER}[self.plan["wait"]]
        left = tick - time.monotonic_ns() - margin
        if left > 0:
            time.sleep(left / 1e9)
        while (now := time.monotonic_ns()) < tick:
            pass
        return now

    def measure(self):
        plan = self.plan
        cycles, rate = plan["cycles"], plan["rate_hz"]
        if self.warm_up(FIRST_SIGN) == 0:
            self.lost = cycles
            return
        self.warm_up(plan["warm_up"])
        self.exchanges, self.cost = 0, Cost()
        pauses = plan["priority"] is not None and (rate is None or plan["wait"] == "spin")
        per_bucket, bucket = max(1, -(-cycles // BUCKETS)), []
        period = None if rate is None else round(1e9 / rate)
        origin, last = time.monotonic_ns() + 1_000_000, -1
        began = time.monotonic_ns()
        for done in range(1, cycles + 1):
            if period is not None:
                due = max(last + 1, (time.monotonic_ns() - origin) // period)
                woke = self.wait(origin + due * period)
                number = max(due, (woke - origin) // period)
                self.skipped += number - last - 1
                last = number
                late = woke - origin - number * period
                self.wake_ups[late] = self.wake_ups.get(late, 0) + 1
            start = time.monotonic_ns()
            counter = self.exchange()
            took = time.monotonic_ns() - start
            if counter < 0:
                self.lost += 1
                time.sleep(SILENCE)
            else:
                self.cycles[took] = self.cycles.get(took, 0) + 1
                bucket.append(took)
                self.counter = counter if self.counter is None else self.counter
                self.faults += counter != self.counter
            if done % per_bucket == 0:
                bucket.sort()
                middle, longest = (bucket[len(bucket) // 2], bucket[-1]) if bucket else (0, 0)
                self.timeline.append({"p50_ns": middle, "max_ns": longest})
                bucket = []
            if pauses and time.monotonic_ns() - began >= STINT:
                time.sleep(PAUSE)
                if period is None:
                    self.warm_up(REWARM)
                else:
                    last = (time.monotonic_ns() - origin) // period
                began = time.monotonic_ns()


def main():
    plan = json.loads(sys.stdin.readline())
    empty = "--empty" in sys.argv[1:]
    if plan["frames"] != 1:
        sys.exit("pysoem's process image holds one burst of this size at most: only one frame is measured")
    master = bring_up(plan)
    row = Row(plan, master, empty)
    image = sum(len(slave.input) + len(slave.output) for slave in master.slaves)
    missing = real_time(plan)
    gc.disable()
    print("ready", flush=True)
    sys.stdin.readline()
    row.measure()
    cost = row.cost.until_now(row.exchanges)
    what = "two calls with nothing sent" if empty else f"frames of {28 + image} bytes for {len(master.slaves)} SubDevices"
    priority = "" if plan["priority"] is None else f" with FIFO {plan['priority']}"
    cpu_text = "" if plan["cpu"] is None else f" on CPU {plan['cpu']}"
    report = {
        "schema": "zerocat-bench-row/1",
        "set_up": f"SOEM by pysoem {pysoem.__version__}, {what}, one thread{priority}{cpu_text}; Python's calls are in it",
        "cycle_ns": sorted(row.cycles.items()),
        "wake_up_ns": sorted(row.wake_ups.items()),
        "lost": row.lost,
        "skipped": row.skipped,
        "working_counter_faults": row.faults,
        "timeline": row.timeline,
        "cost": cost,
        "missing": missing,
    }
    print(json.dumps(report), flush=True)


main()
