"""SOEM's mailbox beside everything: both habits of the counter of replies, large files in PRE-OP and BOOT, emergencies
among answers, and protocols that aren't there."""

import contextlib
import time

import pysoem
import pytest
from conftest import STATE_TIMEOUT_US, file_of, simulated, soem
from test_boot import BOOT_MAILBOXES, FOE_ERROR, ask, read, write

PASSWORD = 0xCAFE
CAPACITY = 200_000
BOOT_LENGTH = 1024
# Of an error mail (ETG.1000.4, table 30).
NO_PROTOCOL = 0x0002
FILES = {"password": PASSWORD, "busy": 3, "capacity": CAPACITY, "files": {"there.txt": "Here."}}


def subdevices(counter):
    foe = {"protocols": ["coe", "foe"], "boot": True, "boot_length": BOOT_LENGTH, "foe": FILES}
    return [
        {"profile": "coupler"},
        {"profile": "servo", "name": "axis", "mailbox": {"reply_counter": counter, **foe}},
        {"profile": "servo", "mailbox": {"reply_counter": counter}},
    ]


@pytest.fixture(scope="module", params=["own", "echo"], ids=lambda counter: f"counter-{counter}")
def console_and_bus(request, tmp_path_factory):
    what = file_of(tmp_path_factory.mktemp("mails"), subdevices(request.param))
    with simulated(request.config, *what) as console, soem(request.config) as bus:
        yield console, bus


@pytest.fixture
def axis(console_and_bus):
    return console_and_bus[1].slaves[1]


@pytest.fixture
def boot(console_and_bus, axis):
    """The axis in BOOT, with the mailboxes that its SII names for that; afterwards all are in PRE-OP again."""
    bus = console_and_bus[1]
    assert ask(axis, pysoem.INIT_STATE) == pysoem.INIT_STATE
    words = axis.eeprom_read(BOOT_MAILBOXES) + axis.eeprom_read(BOOT_MAILBOXES + 2)
    written, length, got, got_length = (int.from_bytes(words[n : n + 2], "little") for n in (0, 2, 4, 6))
    assert length == got_length == BOOT_LENGTH
    axis.amend_mbx("out", written, length)
    axis.amend_mbx("in", got, got_length)
    assert ask(axis, pysoem.BOOT_STATE) == pysoem.BOOT_STATE
    yield axis
    assert ask(axis, pysoem.INIT_STATE) == pysoem.INIT_STATE
    bus.config_init()
    assert bus.state_check(pysoem.PREOP_STATE, STATE_TIMEOUT_US) == pysoem.PREOP_STATE


def image(length):
    return bytes((11 * n + n // 251) & 0xFF for n in range(length))


def whole(slave, name):
    return slave.foe_read(name, PASSWORD, CAPACITY + 1, 5_000_000)


def emergencies(console, slave, meanwhile):
    """Has emergencies sent while something goes on: SOEM tells all, in turn. It waits on after each, and has it sent again
    by the repeat bit."""
    told = []
    slave.add_emergency_callback(lambda emergency: told.append(emergency.error_code))
    sent = [0x8600 + n for n in range(5)]
    for code in sent:
        console.write(f"emergency axis {code:#06x} 0x21 1 2 3 4 5\n")
    console.flush()
    deadline = time.monotonic() + 10
    while not set(sent) <= set(told) and time.monotonic() < deadline:
        meanwhile(told)
        # It takes one from SOEM's list at a time.
        for _ in range(20):
            slave.sdo_read(0x1018, 2)
    assert list(dict.fromkeys(told)) == sent


def refused(bus, slave, call):
    """The error that a SubDevice answers with. SOEM waits on after it, and has the mail sent again by the repeat bit."""
    with pytest.raises(pysoem.MailboxError) as error:
        call()
    with contextlib.suppress(pysoem.MailboxError):
        slave.mbx_receive()
    bus._collect_mailbox_errors()
    return error.value.error_code


def test_objects_are_read_and_written_with_either_counter(axis):
    before = axis.sdo_read(0x2000, 0, size=2048)
    assert len(before) > 128, "longer than the mailbox, else nothing is segmented"
    for turn in range(10):
        pattern = bytes((7 * n + turn) & 0xFF for n in range(len(before)))
        axis.sdo_write(0x2000, 0, pattern)
        assert axis.sdo_read(0x2000, 0, size=2048) == pattern
        assert len(axis.sdo_read(0x1018, 0, ca=True)) == 18
    assert len(axis.od) > 20


# Less than a packet of 128 - 12 bytes, one, one and more, many, many that are full.
@pytest.mark.parametrize("length", [5, 116, 117, 30_000, 116 * 250])
def test_files_go_to_and_fro_in_preop(axis, length):
    assert write(axis, "parameters.bin", image(length)) > 0
    assert whole(axis, "parameters.bin") == image(length)


def test_refusals_of_files_in_preop_leave_the_files_alone(axis):
    assert write(axis, "there.txt", b"no", password=1) == FOE_ERROR
    assert write(axis, "large.bin", image(CAPACITY + 1)) == FOE_ERROR, "disk full"
    assert whole(axis, "large.bin") == b"", "nor is there a part of it"
    assert read(axis, "none.bin") == b""
    assert read(axis, "there.txt") == b"Here."
    assert len(axis.sdo_read(0x1018, 2)) == 4, "CoE goes on"


def test_a_large_file_goes_to_and_fro_in_boot_in_packets_of_its_mailboxes(boot, console_and_bus):
    data = image(CAPACITY - 100_000)
    assert write(boot, "firmware.bin", data) > 0
    assert whole(boot, "firmware.bin") == data
    bus = console_and_bus[1]
    patience, bus.sdo_read_timeout = bus.sdo_read_timeout, 300_000
    assert refused(bus, boot, lambda: boot.sdo_read(0x1018, 2)) == NO_PROTOCOL
    bus.sdo_read_timeout = patience


@pytest.mark.filterwarnings("ignore:This way of catching emergency messages")
def test_emergencies_come_between_the_packets_of_a_file(console_and_bus, axis):
    data = image(20_000)

    def go_on(told):
        # What SOEM has on its list is raised when the transfer has ended.
        try:
            assert write(axis, "parameters.bin", data) > 0
        except pysoem.Emergency as emergency:
            told.append(emergency.error_code)

    emergencies(console_and_bus[0], axis, go_on)
    assert whole(axis, "parameters.bin") == data


def test_emergencies_come_between_the_segments_of_an_object(console_and_bus, axis):
    before = axis.sdo_read(0x2000, 0, size=2048)

    def go_on(_):
        assert axis.sdo_read(0x2000, 0, size=2048) == before

    emergencies(console_and_bus[0], axis, go_on)


def test_a_subdevice_without_foe_says_so(console_and_bus):
    bus = console_and_bus[1]
    without = bus.slaves[2]
    assert refused(bus, without, lambda: without.foe_read("there.txt", 0, 100, 300_000)) == NO_PROTOCOL
    assert len(without.sdo_read(0x1018, 2)) == 4
