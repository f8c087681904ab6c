"""SOEM's overlapping map: inputs at the logical addresses of outputs, SubDevice by SubDevice, in one LRW.

For each byte the ESC first takes its outputs out and then puts its inputs in. If it did one of the two for a whole frame
first, or if a SubDevice's inputs replaced the outputs of the next, values would not arrive where the test expects them.
"""

import struct
import time

import pysoem
import pytest
from conftest import STATE_TIMEOUT_US, file_of, patiently, register, simulated, soem

CHANNELS = 8
# Outputs only, more outputs than inputs, more inputs than outputs, as many of both, inputs only.
RACKS = [["ao16", "di16"], ["do16", "ai16", "ai2"], ["ao2", "ai2"]]
LINE = [
    {"profile": "analogue_out", "name": "first", "channels": CHANNELS},
    *[{"profile": "modular", "modules": modules} for modules in RACKS],
    {"profile": "servo"},
    {"profile": "analogue_in", "name": "last", "channels": CHANNELS},
]
WIRES = [{"from": f"first.out.{n}", "to": f"last.in.{n}"} for n in range(1, CHANNELS + 1)]
# Each SubDevice with outputs counts 2 for them, each with inputs 1 (ETG.1000.4, 5.4).
COUNTER = 2 + 3 * len(RACKS) + 3 + 1


@pytest.fixture(scope="module")
def overlapping(request, tmp_path_factory):
    """SOEM with the overlapping map, in OP."""
    segment = file_of(tmp_path_factory.mktemp("overlap"), LINE, wires=WIRES)
    with simulated(request.config, *segment), soem(request.config) as bus:
        for slave in bus.slaves:
            patiently(lambda: slave.set_watchdog("processdata", 2000))
        bus.mapped = bus.config_overlap_map()
        assert bus.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US) == pysoem.SAFEOP_STATE
        exchange(bus)
        bus.state = pysoem.OP_STATE
        bus.write_state()
        end = time.monotonic() + 30
        while bus.state_check(pysoem.OP_STATE, 10_000) != pysoem.OP_STATE:
            assert time.monotonic() < end, "no OP in 30 s"
            exchange(bus)
        yield bus


def exchange(bus):
    """One LRW. A frame that is late on a busy machine is sent again; a wrong counter is never allowed."""
    for _ in range(20):
        bus.send_overlap_processdata()
        counter = bus.receive_processdata(200_000)
        if counter != -1:
            assert counter == COUNTER
            return
    raise AssertionError("no frame came back")


def test_outputs_and_inputs_share_their_logical_addresses(overlapping):
    # The first bytes of an FMMU: logical start, length (ETG.1000.4, table 56).
    for position in range(1, 1 + len(RACKS)):
        first, second = (register(overlapping.slaves[position], 0x0600 + 0x10 * n, 6) for n in (0, 1))
        assert first & 0xFFFF_FFFF == second & 0xFFFF_FFFF
        assert first >> 32 and second >> 32, "both have a length"


def test_the_working_counter_is_that_of_the_plain_map(overlapping):
    assert overlapping.expected_wkc == COUNTER
    for _ in range(100):
        exchange(overlapping)


def test_what_one_subdevice_is_told_arrives_at_another(overlapping):
    first, last = overlapping.slaves[0], overlapping.slaves[-1]
    for turn in range(50):
        values = [(turn * 613 + n * 257) % 30_000 for n in range(CHANNELS)]
        first.output = struct.pack(f"<{CHANNELS}h", *values)
        for _ in range(3):
            exchange(overlapping)
        # Each channel of the input terminal: 16 bits of status, then the value.
        got = struct.unpack(f"<{2 * CHANNELS}h", last.input)[1::2]
        assert list(got) == values, f"turn {turn}"


def test_each_subdevice_gets_its_own_outputs(overlapping):
    # The racks whose first module has analogue outputs: objects 0x7000, a channel a subindex.
    positions = [n for n, modules in enumerate(RACKS, 1) if modules[0].startswith("ao")]
    for position in positions:
        slave = overlapping.slaves[position]
        wide = len(slave.output) // 2
        slave.output = struct.pack(f"<{wide}h", *[1000 * position + n for n in range(wide)])
    for _ in range(3):
        exchange(overlapping)
    for position in positions:
        slave = overlapping.slaves[position]
        for n in range(len(slave.output) // 2):
            seen = struct.unpack("<h", slave.sdo_read(0x7000, n + 1))[0]
            exchange(overlapping)
            assert seen == 1000 * position + n, f"SubDevice {position}, output {n + 1}"
