"""SOEM configures distributed clocks: delays, offsets, synchronization and SYNC0 on a line and on a tree.

SOEM halves the time that it measured. The simulated cables and ESCs take the same time in both directions, in whole
nanoseconds, so nothing is rounded and the delays must be exactly those of the file. With drift they would not be: 50 ppm
of the 20 us that a frame takes are 1 ns.
"""

import contextlib
import time

import pysoem
import pytest
from conftest import file_of, register, simulated, soem

FORWARDING = 300
WITHOUT_CLOCK = {"digital_in", "digital_out"}
# Passage through the ports of an ESC (ETG.1000.4, 4.3): file and bus have the same order.
PORTS = [3, 1, 2]

# Profile, parent, port.
LINE = [
    ("coupler", None, None),
    ("servo", 0, 1),
    ("digital_out", 1, 1),
    ("analogue_in", 2, 1),
    ("digital_in", 3, 1),
    ("digital_in", 4, 1),
    ("servo", 5, 1),
    ("digital_out", 6, 1),
]
# A junction in a junction; branches that begin with a SubDevice without a clock, or have none with one.
TREE = [
    ("coupler", None, None),
    ("servo", 0, 3),
    ("digital_in", 1, 1),
    ("coupler", 0, 1),
    ("servo", 3, 3),
    ("digital_out", 3, 1),
    ("servo", 5, 1),
    ("analogue_in", 3, 2),
    ("coupler", 0, 2),
    ("digital_in", 8, 3),
    ("servo", 8, 1),
]
# Parts per million that each crystal is off, in turn.
DRIFTS = [0, 50, -80, 120, -15]

# Registers (ET1100 data sheet, section II).
PORT_TIMES = 0x0900
SYSTEM_TIME = 0x0910
DELAY = 0x0928
DIFFERENCE = 0x092C
ACTIVATION = 0x0981
ACTIVATION_STATUS = 0x0984
NEXT_SYNC0, NEXT_SYNC1 = 0x0990, 0x0998
CYCLE_SYNC0, CYCLE_SYNC1 = 0x09A0, 0x09A4


def cable(n):
    return 100 + 37 * n


def clocked(topology, drifts):
    """The SubDevices of a file: clocks that began at different times, cables of different lengths."""
    for n, (profile, parent, port) in enumerate(topology):
        subdevice = {"profile": profile, "cable_delay": f"{cable(n)}ns"}
        if profile not in WITHOUT_CLOCK:
            subdevice["clock"] = {"offset": f"{n * 7_000_000_123}ns", "drift_ppm": drifts[n % len(drifts)]}
        if parent is not None:
            subdevice |= {"parent": parent, "port": port}
        yield subdevice


def delays(topology):
    """When a frame comes to each SubDevice, in ns after the first: it walks the tree as the file has it."""
    found = {}

    def visit(n, at):
        found[n] = at
        for port in PORTS:
            for child, (_, parent, on) in enumerate(topology):
                if (parent, on) == (n, port):
                    at = visit(child, at + FORWARDING + cable(child)) + cable(child)
        return at + FORWARDING

    visit(0, 0)
    return found


@contextlib.contextmanager
def clocks(config, folder, topology, drifts):
    """A segment whose clocks SOEM has configured, and the SubDevices that have one, by position."""
    subdevices = list(clocked(topology, drifts))
    with simulated(config, *file_of(folder, subdevices, forwarding_delay=f"{FORWARDING}ns")), soem(config) as bus:
        assert [slave.name for slave in bus.slaves] and bus.found == len(topology)
        assert bus.config_dc(), "SOEM found clocks"
        yield bus, {n: bus.slaves[n] for n, (kind, _, _) in enumerate(topology) if kind not in WITHOUT_CLOCK}


@pytest.mark.parametrize("topology", [LINE, TREE], ids=["line", "tree"])
def test_delays_are_those_of_the_file(request, tmp_path, topology):
    with clocks(request.config, tmp_path, topology, [0]) as (_, clocked):
        measured = {n: register(slave, DELAY, 4) for n, slave in clocked.items()}
        expected = delays(topology)
        assert measured == {n: expected[n] for n in clocked}
        assert len(set(measured.values())) == len(clocked) and min(measured.values()) == 0


def test_subdevices_without_a_system_time_take_receive_times_alone(request, tmp_path):
    with clocks(request.config, tmp_path, TREE, [0]) as (bus, clocked):
        for n, slave in enumerate(bus.slaves):
            assert register(slave, PORT_TIMES, 4) != int.from_bytes(b"Beck", "little"), n
            if n not in clocked:
                with pytest.raises(pysoem.WkcError):
                    slave._fprd(SYSTEM_TIME, 8)


def test_clocks_follow_the_reference_clock(request, tmp_path):
    """0x092C: what a clock is behind or ahead, sign in bit 31."""

    def differences():
        return [register(slave, DIFFERENCE, 4) & 0x7FFF_FFFF for slave in list(clocked.values())[1:]]

    with clocks(request.config, tmp_path, TREE, DRIFTS) as (bus, clocked):
        bus.config_map()
        assert bus.state_check(pysoem.SAFEOP_STATE, 10_000_000) == pysoem.SAFEOP_STATE
        # What 50 ppm make of half a second is 25 us; the first frame shows it.
        time.sleep(0.5)
        bus.send_processdata()
        bus.receive_processdata(200_000)
        assert max(differences()) > 10_000
        for _ in range(100):
            for _ in range(200):
                bus.send_processdata()
                bus.receive_processdata(200_000)
            if max(differences()) < 100:
                break
        assert max(differences()) < 100, differences()


def test_sync0_comes_at_its_phase(request, tmp_path):
    cycle, shift = 1_000_000, 250_000
    with clocks(request.config, tmp_path, TREE, [0]) as (_, clocked):
        servo = clocked[4]
        servo.dc_sync(True, cycle, shift)
        assert register(servo, ACTIVATION, 1) == 0x03, "on, and SYNC0"
        # SOEM lets the first pulse come 100 ms later.
        time.sleep(0.3)
        assert register(servo, ACTIVATION_STATUS, 1) & 0x01 == 0, "the first pulse has come"
        before = register(servo, SYSTEM_TIME, 8)
        following = register(servo, NEXT_SYNC0, 8)
        assert following > before and following % cycle == shift


def test_sync1_follows_sync0_and_both_are_switched_off(request, tmp_path):
    cycle, shift, behind = 1_000_000, 250_000, 300_000
    with clocks(request.config, tmp_path, LINE, [0]) as (_, clocked):
        servo = clocked[1]
        servo.dc_sync(True, cycle, shift, behind)
        assert register(servo, ACTIVATION, 1) == 0x07, "on, SYNC0 and SYNC1"
        assert (register(servo, CYCLE_SYNC0, 4), register(servo, CYCLE_SYNC1, 4)) == (cycle, behind)
        # SOEM lets the first pulse come 100 ms later.
        time.sleep(0.3)
        before = register(servo, SYSTEM_TIME, 8)
        first, second = (register(servo, at, 8) for at in (NEXT_SYNC0, NEXT_SYNC1))
        assert min(first, second) > before
        assert (first % cycle, second % cycle) == (shift, shift + behind)
        servo.dc_sync(False, cycle, shift)
        assert register(servo, ACTIVATION, 1) == 0
        assert register(servo, ACTIVATION_STATUS, 1) & 0x03 == 0, "nothing is waited for"


def test_a_drive_that_insists_on_sync0_refuses_safeop_without_it(request, tmp_path):
    """As drives in cyclic synchronous modes do: AL status code 0x0030."""
    subdevices = [{"profile": "coupler"}, {"profile": "servo", "clock": {"needs_sync": True}}]
    with simulated(request.config, *file_of(tmp_path, subdevices)), soem(request.config) as bus:
        servo = bus.slaves[1]
        assert bus.config_dc()
        # SOEM asks for SAFE-OP when it maps.
        with contextlib.suppress(pysoem.ConfigMapError):
            bus.config_map()
        assert bus.state_check(pysoem.SAFEOP_STATE, 1_000_000) != pysoem.SAFEOP_STATE
        bus.read_state()
        assert servo.al_status == 0x0030
        servo.state = pysoem.PREOP_STATE + pysoem.STATE_ACK
        servo.write_state()
        assert servo.state_check(pysoem.PREOP_STATE, 10_000_000) == pysoem.PREOP_STATE
        servo.dc_sync(True, 1_000_000, 250_000)
        bus.state = pysoem.SAFEOP_STATE
        bus.write_state()
        assert bus.state_check(pysoem.SAFEOP_STATE, 10_000_000) == pysoem.SAFEOP_STATE
