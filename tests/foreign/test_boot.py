"""SOEM moves files in BOOT, and is told of emergencies."""

import time

import pysoem
import pytest
from conftest import STATE_TIMEOUT_US, file_of, simulated, soem

PASSWORD = 0xCAFE
README = "What is in the file at power-on."
SUBDEVICES = [
    {"profile": "coupler"},
    {
        "profile": "servo",
        "name": "axis",
        "mailbox": {
            "protocols": ["coe", "foe"],
            "boot": True,
            "foe": {"password": PASSWORD, "busy": 1, "files": {"readme.txt": README}},
        },
    },
]
# Words 0x14 to 0x17 of the SII: where the mailboxes are in BOOT (ETG.2010, table 2).
BOOT_MAILBOXES = 0x14
FOE_ERROR = -5  # EC_ERR_TYPE_FOE_ERROR of SOEM: the SubDevice answered with an error
FOE_TIMEOUT_US = 5_000_000


def ask(slave, state):
    slave.state = state
    slave.write_state()
    return slave.state_check(state, STATE_TIMEOUT_US)


@pytest.fixture(scope="module")
def console_and_bus(request, tmp_path_factory):
    what = file_of(tmp_path_factory.mktemp("boot"), SUBDEVICES)
    with simulated(request.config, *what) as console, soem(request.config) as bus:
        yield console, bus


@pytest.fixture
def axis(console_and_bus):
    return console_and_bus[1].slaves[1]


@pytest.fixture
def boot(axis):
    """The axis in BOOT, with the mailboxes that its SII names for that."""
    assert ask(axis, pysoem.INIT_STATE) == pysoem.INIT_STATE
    words = axis.eeprom_read(BOOT_MAILBOXES) + axis.eeprom_read(BOOT_MAILBOXES + 2)
    written, length, read, read_length = (int.from_bytes(words[n : n + 2], "little") for n in (0, 2, 4, 6))
    axis.amend_mbx("out", written, length)
    axis.amend_mbx("in", read, read_length)
    assert ask(axis, pysoem.BOOT_STATE) == pysoem.BOOT_STATE
    yield axis
    assert ask(axis, pysoem.INIT_STATE) == pysoem.INIT_STATE


def read(slave, name, password=PASSWORD):
    return slave.foe_read(name, password, 8192, FOE_TIMEOUT_US)


def write(slave, name, data, password=PASSWORD):
    return slave.foe_write(name, password, data, FOE_TIMEOUT_US)


def test_a_file_is_read(boot):
    assert read(boot, "readme.txt") == README.encode()


@pytest.mark.parametrize("packets", [0.5, 1, 3, 7.3])
def test_a_file_is_written_and_read_back(boot, packets):
    """A packet takes what the mailbox does, less 12 bytes of headers; one that is full is not the last."""
    image = bytes((11 * n + 5) & 0xFF for n in range(int(packets * (128 - 12))))
    assert write(boot, "firmware.bin", image) > 0
    assert read(boot, "firmware.bin") == image


def test_a_wrong_password_is_refused(boot):
    assert write(boot, "readme.txt", b"overwritten", password=PASSWORD + 1) == FOE_ERROR
    assert read(boot, "readme.txt", password=PASSWORD + 1) == b""
    assert read(boot, "readme.txt") == README.encode()


def test_a_file_that_isnt_there_cant_be_read(boot):
    assert read(boot, "nothing.bin") == b""


def test_an_emergency_is_told_and_doesnt_disturb_an_upload(console_and_bus):
    console, bus = console_and_bus
    # BOOT has left its mailboxes; SOEM goes through its bring-up again.
    bus.config_init()
    assert bus.state_check(pysoem.PREOP_STATE, STATE_TIMEOUT_US) == pysoem.PREOP_STATE
    axis, told = bus.slaves[1], []
    axis.add_emergency_callback(told.append)
    console.write("emergency axis 0x8611 0x21 1 2 3 4 5\n")
    console.flush()
    deadline = time.monotonic() + 10
    while not told and time.monotonic() < deadline:
        assert len(axis.sdo_read(0x1018, 2)) == 4
    assert [(e.error_code, e.error_reg, e.b1, e.w1, e.w2) for e in told] == [(0x8611, 0x21, 1, 0x0302, 0x0504)]
