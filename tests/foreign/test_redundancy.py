"""SOEM with two interfaces, for cable redundancy: a whole line, and one with a cable pulled in OP."""

import contextlib
import time
from collections import Counter

import pysoem
from conftest import STATE_TIMEOUT_US, patiently, simulated, soem, to_op

COUNT = 8
CABLE = 3
CYCLES = 500
FRAME_TIMEOUT_US = 100_000
# Of `--mixed 8`: digital in, analogue in, servo, digital in are read, 1 each; digital out, analogue out, servo, digital
# out are written, 2 each (ETG.1000.4, table 11).
COUNTER = 4 * 1 + 4 * 2


@contextlib.contextmanager
def in_op(config):
    """SOEM at both ends of the segment with all SubDevices in OP, and the commands of the segment."""
    ends = "--second-interface", config.getoption("--second-segment-interface")
    with simulated(config, *ends, "--mixed", str(COUNT)) as commands:
        with soem(config, config.getoption("--second-master-interface")) as master:
            assert master.found == COUNT
            for slave in master.slaves:
                patiently(lambda: slave.set_watchdog("processdata", 5000))
            master.config_map()
            assert master.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US) == pysoem.SAFEOP_STATE
            to_op(master, exchange)
            yield master, commands


def exchange(master):
    master.send_processdata()
    return master.receive_processdata(FRAME_TIMEOUT_US)


def cycles(master):
    """Counters of many cycles. A machine that is busy for longer than SOEM waits loses frames; most come."""
    counters = Counter(exchange(master) for _ in range(CYCLES))
    print(f"{CYCLES} cycles: {dict(counters)}")
    return counters


def open_ports(master, position):
    """Which loops are open: bits 8, 10, 12, 14 of DL status tell which are closed (ETG.1000.4, table 34)."""
    status = int.from_bytes(patiently(lambda: master.slaves[position]._fprd(0x0110, 2)), "little")
    return [port for port in range(4) if not status >> (8 + 2 * port) & 1]


def give(commands, text):
    print(text, file=commands, flush=True)


def await_ports(master, position, ports):
    """Waits until the segment has carried a command out, and goes on with cycles meanwhile."""
    deadline = time.monotonic() + 30
    while open_ports(master, position) != ports:
        exchange(master)
        assert time.monotonic() < deadline, f"ports {open_ports(master, position)} are open at {position}"


def test_soem_keeps_all_in_op_while_a_cable_is_pulled_and_put_back(pytestconfig):
    with in_op(pytestconfig) as (master, commands):
        assert set(cycles(master)) - {-1} == {COUNTER}, "the whole line"
        give(commands, f"pull {CABLE}")
        await_ports(master, CABLE - 1, [0])
        # The one behind the cut is reached from the other side: its port 0 is closed.
        assert open_ports(master, CABLE) == [1]
        broken = cycles(master)
        assert broken[COUNTER] > 0.9 * CYCLES, "both halves take part"
        give(commands, f"plug {CABLE}")
        await_ports(master, CABLE - 1, [0, 1])
        assert cycles(master)[COUNTER] > 0.9 * CYCLES
        master.read_state()
        assert {(s.state, s.al_status) for s in master.slaves} == {(pysoem.OP_STATE, 0)}, "nobody has left OP"
