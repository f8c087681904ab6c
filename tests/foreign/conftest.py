"""A simulated segment on one end of a veth pair, and MainDevices other than zerocat on the other.

`scripts/foreign.sh` makes the pair and runs this in its network namespace. One segment and one MainDevice use it at a
time. Tests that make segments of their own come first. Then every test runs once per mixed segment, with fixtures in
the order in which a bus comes up: segment, the MainDevices that run to their end, SOEM in PRE-OP, SOEM mapped.

On a busy machine a frame may come late, but never with other content. So SOEM waits long for each frame and sends again
only the ones that didn't come; what comes back must be right.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import time

import pysoem
import pytest

LENGTHS = [8, 100]
STATE_TIMEOUT_US = 10_000_000
# Behind this a frame is lost.
FRAME_TIMEOUT_US = 200_000
SIZES = {}
NOTES = []


def pytest_addoption(parser):
    parser.addoption("--zerocat", required=True, help="the zerocat program")
    parser.addoption("--peer", required=True, help="the program around ethercrab's own init and groups")
    parser.addoption("--soem-eoe", required=True, help="SOEM's EoE, a library of its own")
    parser.addoption("--master-interface", required=True)
    parser.addoption("--segment-interface", required=True)
    parser.addoption("--second-master-interface", required=True, help="where the cable from the second end leads")
    parser.addoption("--second-segment-interface", required=True)
    parser.addoption("--cycles", type=int, default=10_000)
    parser.addoption("--sizes", help="file for the sizes that each master found, as JSON")


def pytest_collection_modifyitems(items):
    # The mixed segments and their masters stay on the wire until the last test.
    items.sort(key=lambda item: "segment" in item.fixturenames)


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not SIZES:
        return
    if config.getoption("--sizes"):
        pathlib.Path(config.getoption("--sizes")).write_text(json.dumps(SIZES) + "\n")
    for note in NOTES:
        reporter.write_line(note)
    failed = len(reporter.stats.get("failed", [])) + len(reporter.stats.get("error", []))
    reporter.write_line(f"{len(reporter.stats.get('passed', []))} passed, {failed} failed")


class Segment:
    """What the masters find: a line of `count` SubDevices of all kinds."""

    KINDS = ["digital in", "digital out", "analogue in", "analogue out", "servo"]

    def __init__(self, count, config):
        self.count = count
        self.config = config
        self.interface = config.getoption("--master-interface")
        self.zerocat = config.getoption("--zerocat")
        self.peer = config.getoption("--peer")
        self.cycles = config.getoption("--cycles")
        self.sizes = SIZES.setdefault(str(count), {})

    def of_kind(self, kind):
        return [n for n in range(1, self.count) if self.KINDS[(n - 1) % len(self.KINDS)] == kind]

    def run(self, *command):
        """Runs a program to its end and returns what it printed, as JSON."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr[-2000:]}"
        return json.loads(done.stdout)


def serving():
    return "88a4" in pathlib.Path("/proc/net/packet").read_text()


def wait_for_socket(process):
    for _ in range(600):
        assert process.poll() is None, "zerocat sim ended at once"
        if serving():
            return
        time.sleep(0.05)
    raise AssertionError("zerocat sim opened no EtherCAT socket in 30 s")


@contextlib.contextmanager
def simulated(config, *what):
    """A segment on its interface, after power-on; `what` tells `zerocat sim` which one. Its input takes commands."""
    assert not serving(), "another segment or master is on the wire"
    command = [config.getoption("--zerocat"), "sim", "--interface", config.getoption("--segment-interface"), "--quiet"]
    process = subprocess.Popen([*command, *what], stdin=subprocess.PIPE, text=True)
    try:
        wait_for_socket(process)
        yield process.stdin
    finally:
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def powered(segment):
    """The mixed segment after power-on.

    Each master gets it like this: SOEM gives station addresses one by one and already asks each SubDevice about its
    SII then, so an address that another master left behind answers too, and SOEM mixes the two up.
    """
    return simulated(segment.config, "--mixed", str(segment.count))


def file_of(folder, subdevices, **keys):
    """Writes a segment file and returns what `zerocat sim` is told."""
    path = folder / "segment.json"
    path.write_text(json.dumps({"subdevices": subdevices, **keys}))
    return "--config", str(path)


@contextlib.contextmanager
def soem(config, second=None):
    """SOEM on the wire, with all SubDevices in PRE-OP; it takes them back to INIT. `second`: another interface, for
    cable redundancy."""
    # For a frame, for one that is sent again, for the SII; for a mailbox to be free, to be filled; for states.
    timeouts = pysoem.settings.timeouts
    timeouts.ret, timeouts.safe, timeouts.eeprom = 100_000, 200_000, 500_000
    timeouts.tx_mailbox, timeouts.rx_mailbox, timeouts.state = 500_000, 5_000_000, STATE_TIMEOUT_US
    master = pysoem.Master()
    master.sdo_read_timeout = master.sdo_write_timeout = 5_000_000
    master.open(config.getoption("--master-interface"), second)
    try:
        master.found = master.config_init()
        assert master.state_check(pysoem.PREOP_STATE, STATE_TIMEOUT_US) == pysoem.PREOP_STATE
        yield master
        master.state = pysoem.INIT_STATE
        master.write_state()
        assert master.state_check(pysoem.INIT_STATE, STATE_TIMEOUT_US) == pysoem.INIT_STATE, "the bus goes back to INIT"
    finally:
        master.close()


def exchange(bus):
    bus.send_processdata()
    return bus.receive_processdata(FRAME_TIMEOUT_US)


def to_op(bus, exchange):
    """Asks for OP and exchanges until all are there, or long enough; the caller judges."""
    exchange(bus)
    bus.state = pysoem.OP_STATE
    bus.write_state()
    for _ in range(500):
        exchange(bus)
        # Short: without frames the watchdog fires.
        if bus.state_check(pysoem.OP_STATE, 2000) == pysoem.OP_STATE:
            break


@pytest.fixture(scope="session", params=LENGTHS, ids=lambda count: f"mixed-{count}")
def segment(request):
    return Segment(request.param, request.config)


@pytest.fixture(scope="session")
def scanned(segment):
    """What `zerocat scan` finds."""
    with powered(segment):
        found = segment.run(segment.zerocat, "scan", "--interface", segment.interface, "--json")["subdevices"]
    sizes = [[s["input_bits"], s["output_bits"]] for s in found]
    segment.sizes["zerocat"] = [[(bits + 7) // 8 for bits in both] for both in sizes]
    return found


@pytest.fixture(scope="session")
def ethercrab(segment, scanned):
    """What ethercrab's own init and group found and counted."""
    with powered(segment):
        found = segment.run(segment.peer, "--interface", segment.interface, "--cycles", str(segment.cycles))
    segment.sizes["ethercrab"] = [[s["input_bytes"], s["output_bytes"]] for s in found["subdevices"]]
    return found


@pytest.fixture(scope="session")
def bus(segment, scanned, ethercrab):
    """SOEM, with all SubDevices in PRE-OP."""
    with powered(segment), soem(segment.config) as master:
        yield master


def patiently(call):
    """Register access of pysoem gives up after one frame of 2 to 4 ms; a busy machine may need many."""
    for _ in range(100):
        try:
            return call()
        except pysoem.WkcError:
            pass
    return call()


def register(slave, address, length):
    return int.from_bytes(patiently(lambda: slave._fprd(address, length)), "little")


@pytest.fixture(scope="session")
def mapped(segment, bus):
    """SOEM, with process data mapped and all SubDevices in SAFE-OP."""
    for slave in bus.slaves:
        # A busy machine may not run us for longer than the 100 ms of power-on.
        patiently(lambda: slave.set_watchdog("processdata", 2000))
    bus.mapped = bus.config_map()
    segment.sizes["soem"] = [[len(slave.input), len(slave.output)] for slave in bus.slaves]
    assert bus.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US) == pysoem.SAFEOP_STATE
    return bus
