"""SOEM brings every profile to OP, drives a servo in its modes, and gets its mails through where frames are lost."""

import contextlib
import pathlib
import struct
import time

import pysoem
import pytest
from conftest import STATE_TIMEOUT_US, exchange, file_of, patiently, simulated, soem, to_op

CYCLES = 300
# Profile, bytes of inputs and of outputs.
PROFILES = [
    ({"profile": "coupler"}, (0, 0)),
    ({"profile": "digital_in", "channels": 8}, (1, 0)),
    ({"profile": "digital_out", "channels": 12}, (0, 2)),
    ({"profile": "analogue_in"}, (8, 0)),
    ({"profile": "analogue_out"}, (0, 4)),
    ({"profile": "servo"}, (12, 8)),
    ({"profile": "encoder"}, (10, 6)),
    ({"profile": "stepper"}, (8, 10)),
    ({"profile": "oversampling_in"}, (44, 0)),
    ({"profile": "modular", "modules": ["di8", "do16", "ai2", "ao2"]}, (5, 6)),
]
DESCRIPTIONS = pathlib.Path(__file__).parents[2] / "esi" / "tests" / "samples"
DESCRIBED = [("terminals.xml", "AX2008"), ("terminals.xml", "AX1004"), ("catalogue.xml", "AXM200")]

CSP, CSV, CST, PROFILE_POSITION, HOMING = 8, 9, 10, 1, 6
REACHED, ATTAINED = 0x0400, 0x1400


@contextlib.contextmanager
def operating(config, folder, subdevices, prepare=None, refused=0):
    """SOEM with all SubDevices in OP, and the commands of the segment. So many requests are refused as it maps."""
    with simulated(config, *file_of(folder, subdevices)) as commands, soem(config) as bus:
        assert bus.found == len(subdevices)
        for slave in bus.slaves:
            patiently(lambda: slave.set_watchdog("processdata", 5000))
        if prepare:
            prepare(bus)
        assert errors_of_mapping(bus) == refused
        assert bus.state_check(pysoem.SAFEOP_STATE, STATE_TIMEOUT_US) == pysoem.SAFEOP_STATE
        to_op(bus, exchange)
        bus.read_state()
        assert [(s.state, s.al_status) for s in bus.slaves] == [(pysoem.OP_STATE, 0)] * len(subdevices)
        yield bus, commands


def errors_of_mapping(bus):
    try:
        bus.config_map()
    except pysoem.ConfigMapError as error:
        return len(error.error_list)
    return 0


def counter(sizes):
    """Of an LRW over all: 1 for who is read, 2 for who is written (ETG.1000.4, table 11)."""
    return sum((inputs > 0) + 2 * (outputs > 0) for inputs, outputs in sizes)


def counters(bus):
    """Counters of many cycles, but for frames that a busy machine held back."""
    return {exchange(bus) for _ in range(CYCLES)} - {-1}


def test_every_profile_reaches_op_with_its_default_pdos(request, tmp_path):
    with operating(request.config, tmp_path, [profile for profile, _ in PROFILES]) as (bus, _):
        sizes = [sizes for _, sizes in PROFILES]
        assert [(len(s.input), len(s.output)) for s in bus.slaves] == sizes
        assert counters(bus) == {counter(sizes)}


def test_devices_of_descriptions_reach_op(request, tmp_path):
    described = [{"profile": "esi", "file": str(DESCRIPTIONS / file), "device": name} for file, name in DESCRIBED]
    with operating(request.config, tmp_path, [{"profile": "coupler"}, *described]) as (bus, _):
        sizes = [(len(s.input), len(s.output)) for s in bus.slaves]
        assert all(sum(size) for size in sizes[1:])
        assert counters(bus) == {counter(sizes)}


def test_drives_with_soe_reach_op_with_the_telegrams_of_their_lists(request, tmp_path):
    """SOEM asks eight axes of a drive for S-0-0024 and S-0-0016, and for the attributes of what these name. Those that aren't
    there are refused."""
    drives = [{"profile": "soe_servo"}, {"profile": "soe_servo", "channels": 3}]
    absent = 2 * (7 + 5)
    with operating(request.config, tmp_path, [{"profile": "coupler"}, *drives], refused=absent) as (bus, _):
        sizes = [(0, 0), (6, 6), (18, 18)]
        assert [(len(s.input), len(s.output)) for s in bus.slaves] == sizes
        assert counters(bus) == {counter(sizes)}
        axes = bus.slaves[2]
        for _ in range(100):
            axes.output = b"".join(struct.pack("<Hi", 0xE000, 1000 * n) for n in (1, 2, 3))
            exchange(bus)
            time.sleep(0.001)
        assert axes.input == b"".join(struct.pack("<Hi", 0xC000, 1000 * n) for n in (1, 2, 3))


class Axis:
    """The servo with the PDOs for all targets and all that is actual."""

    def __init__(self, bus):
        self.bus = bus
        self.slave = bus.slaves[1]
        self.run(6, cycles=20)
        self.run(7, cycles=20)
        assert self.run(15, cycles=20)["status"] & 0x6F == 0x27, "operation enabled"

    @staticmethod
    def assign(bus):
        """Chooses PDOs on the way to SAFE-OP."""

        def choose(_):
            for index, pdo in ((0x1C12, 0x1603), (0x1C13, 0x1A03)):
                bus.slaves[1].sdo_write(index, 0, bytes(1))
                bus.slaves[1].sdo_write(index, 1, struct.pack("<H", pdo))
                bus.slaves[1].sdo_write(index, 0, bytes([1]))

        bus.slaves[1].config_func = choose

    def run(self, control, position=0, velocity=0, torque=0, mode=CSP, cycles=1):
        """Cycles of a millisecond and more with the same targets; what the axis says then."""
        for _ in range(cycles):
            self.slave.output = struct.pack("<HiihbB", control, position, velocity, torque, mode, 0)
            exchange(self.bus)
            time.sleep(0.001)
        keys = ["status", "position", "velocity", "torque", "error", "code", "mode"]
        actual = dict(zip(keys, struct.unpack("<HiihiHbB", self.slave.input)))
        assert actual["mode"] == mode and actual["code"] == 0, actual
        return actual

    def until(self, bits, *args, **keys):
        deadline = time.monotonic() + 30
        while (actual := self.run(*args, **keys))["status"] & bits != bits:
            assert time.monotonic() < deadline, actual
        return actual

    def settled(self, key, value, within, **keys):
        deadline = time.monotonic() + 30
        while abs((actual := self.run(15, cycles=20, **keys))[key] - value) > within:
            assert time.monotonic() < deadline, actual
        return actual


def test_a_servo_is_driven_in_all_its_modes(request, tmp_path):
    subdevices = [{"profile": "coupler"}, {"profile": "servo", "name": "axis"}]
    with operating(request.config, tmp_path, subdevices, Axis.assign) as (bus, _):
        axis = Axis(bus)
        axis.settled("position", 20_000, 0, position=20_000)
        axis.settled("velocity", 50_000, 50, velocity=50_000, mode=CSV)
        axis.settled("velocity", 0, 0, mode=CSV)
        before = axis.run(15, torque=0, mode=CST, cycles=10)["velocity"]
        pushed = axis.run(15, torque=100, mode=CST, cycles=50)
        assert (before, pushed["torque"]) == (0, 100) and pushed["velocity"] > 10_000
        start = axis.settled("velocity", 0, 0, mode=CSV)["position"]
        axis.run(15, position=start + 100_000, mode=PROFILE_POSITION, cycles=5)
        moving = axis.run(31, position=start + 100_000, mode=PROFILE_POSITION, cycles=5)
        assert moving["status"] & ATTAINED == 0x1000, "taken over, not there yet"
        there = axis.until(REACHED, 15, position=start + 100_000, mode=PROFILE_POSITION)
        assert abs(there["position"] - start - 100_000) < 100
        axis.run(15, mode=HOMING, cycles=10)
        assert axis.until(ATTAINED, 31, mode=HOMING)["position"] == 0, "home is where it is (method 37)"


@pytest.mark.parametrize("fault", ["drop 3%", "delay 2 frames 3%", "duplicate 5%"])
def test_mails_come_through_where_frames_are_lost(request, tmp_path, fault):
    """SOEM has the last reply sent again by the repeat bit of the sync manager."""
    subdevices = [{"profile": "coupler"}, {"profile": "servo"}]
    with simulated(request.config, *file_of(tmp_path, subdevices)) as commands, soem(request.config) as bus:
        axis = bus.slaves[1]
        length = len(axis.sdo_read(0x2000, 0, size=2048))
        print(fault, file=commands, flush=True)
        for turn in range(10):
            pattern = bytes((7 * n + turn) & 0xFF for n in range(length))
            axis.sdo_write(0x2000, 0, pattern)
            assert axis.sdo_read(0x2000, 0, size=2048) == pattern
        print("faults off", file=commands, flush=True)


def test_an_abort_code_on_command_reaches_the_maindevice(request, tmp_path):
    subdevices = [{"profile": "coupler"}, {"profile": "servo", "name": "axis"}]
    with simulated(request.config, *file_of(tmp_path, subdevices)) as commands, soem(request.config) as bus:
        axis = bus.slaves[1]
        print("abort axis 0x60C2:1 0x06060000", file=commands, flush=True)
        deadline = time.monotonic() + 10
        with pytest.raises(pysoem.SdoError) as aborted:
            while time.monotonic() < deadline:
                axis.sdo_read(0x60C2, 1)
        assert aborted.value.abort_code == 0x06060000
        assert axis.sdo_read(0x60C2, 2), "another subindex is served"


def ask(slave, control):
    """AL status and status code after a write to AL control (ETG.1000.4, tables 35 to 37)."""
    patiently(lambda: slave._fpwr(0x0120, struct.pack("<H", control)))
    status, _, code = struct.unpack("<HHH", patiently(lambda: slave._fprd(0x0130, 6)))
    return status, code


def test_refused_transitions_have_their_codes(request, tmp_path):
    """ETG.1000.6, table 11; ETG.1020."""
    subdevices = [{"profile": "coupler"}, {"profile": "servo"}]
    with simulated(request.config, *file_of(tmp_path, subdevices)), soem(request.config) as bus:
        axis = bus.slaves[1]
        for control, code in [(8, 0x0011), (5, 0x0012), (4, 0x001D)]:
            assert ask(axis, control) == (0x12, code)
            assert ask(axis, 0x12) == (2, 0)
        assert ask(axis, 1) == (1, 0)
        # Sync manager 0, the mailbox of the MainDevice, off.
        patiently(lambda: axis._fpwr(0x0806, bytes(1)))
        for control, code in [(2, 0x0016), (3, 0x0013), (8, 0x0011)]:
            assert ask(axis, control) == (0x11, code)
            assert ask(axis, 0x11) == (1, 0)
