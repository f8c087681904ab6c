"""SOEM reads and writes elements of IDNs of simulated drives."""

import struct

import pytest
from conftest import file_of, simulated
from soem_functions import PACKET_ERROR, SOE_ERROR, brought_up

DRIVE, AXES = 2, 3
SUBDEVICES = [
    {"profile": "coupler"},
    {"profile": "soe_servo", "name": "drive"},
    {"profile": "soe_servo", "name": "axes", "channels": 3},
]
# Elements (ethercatsoe.h).
DATA_STATE, NAME, ATTRIBUTE, UNIT, MIN, MAX, VALUE, DEFAULT = (1 << bit for bit in range(8))
TELEGRAM_TYPE, AT_LIST, RESET, VELOCITY_LIMIT, TYPE = 15, 16, 99, 91, 140
NOTE = 1 << 15 | 1
# Bytes of a mail behind its header and that of SoE (`ecx_SoEwrite`).
ROOM = 128 - 10
# Opcodes.
NOTIFICATION, EMERGENCY = 5, 6


@pytest.fixture(scope="module")
def bus_and_commands(request, tmp_path_factory):
    what = file_of(tmp_path_factory.mktemp("soe"), SUBDEVICES)
    with simulated(request.config, *what) as commands, brought_up(request.config) as bus:
        assert bus.count == len(SUBDEVICES)
        yield bus, commands


@pytest.fixture
def bus(bus_and_commands):
    return bus_and_commands[0]


def listed(data):
    """What is in a list or text: bytes that it has, most that it may have, and these."""
    length, most = struct.unpack("<HH", data[:4])
    assert length <= most and len(data) == 4 + length
    return data[4:]


def test_soem_reads_the_elements_of_an_idn(bus):
    def read(element):
        return bus.soe_read(DRIVE, VELOCITY_LIMIT, element)

    assert listed(read(NAME)) == b"Bipolar velocity limit"
    assert listed(read(UNIT)) == b"1/min"
    # Four bytes (bits 16 and 17), without a sign (bits 20 to 22).
    assert struct.unpack("<I", read(ATTRIBUTE))[0] >> 16 & 0x73 == 0x12
    assert [struct.unpack("<I", read(element))[0] for element in (MIN, MAX, VALUE, DEFAULT)] == [0, 6000, 3000, 3000]


def test_soem_writes_a_value_and_reads_it_back(bus):
    assert bus.soe_write(DRIVE, VELOCITY_LIMIT, VALUE, struct.pack("<I", 1234))
    assert bus.soe_read(DRIVE, VELOCITY_LIMIT, VALUE) == struct.pack("<I", 1234)
    assert bus.soe_read(DRIVE, VELOCITY_LIMIT, DEFAULT) == struct.pack("<I", 3000)


# One mail, one that is full, one byte more, two that are full, and all that the note may have.
@pytest.mark.parametrize("length", [8, ROOM, ROOM + 1, 2 * ROOM, 2 * ROOM + 1, 4 + 6 * 54])
def test_soems_fragments_are_put_together_and_it_puts_those_of_the_drive_together(bus, length):
    text = bytes(97 + n % 26 for n in range(length - 4))
    most = struct.unpack("<H", bus.soe_read(DRIVE, NOTE, VALUE)[2:4])[0]
    assert bus.soe_write(DRIVE, NOTE, VALUE, struct.pack("<HH", len(text), most) + text)
    assert listed(bus.soe_read(DRIVE, NOTE, VALUE)) == text


def test_each_axis_has_idns_of_its_own(bus):
    for axis in range(3):
        assert bus.soe_write(AXES, VELOCITY_LIMIT, VALUE, struct.pack("<I", 1000 + axis), drive=axis)
    values = [bus.soe_read(AXES, VELOCITY_LIMIT, VALUE, drive=axis) for axis in range(3)]
    assert values == [struct.pack("<I", 1000 + axis) for axis in range(3)]


@pytest.mark.parametrize(
    "idn, element, drive, code",
    [
        (4000, VALUE, 0, 0x1001),  # no such IDN
        (TELEGRAM_TYPE, UNIT, 0, 0x4001),  # it has no unit
        (TYPE, MIN, 0, 0x5001),  # no least value
        (TYPE, MAX, 0, 0x6001),
        (VELOCITY_LIMIT, DATA_STATE, 0, 0x7014),  # no procedure command
        (VELOCITY_LIMIT, VALUE, 5, 0x800A),  # no such drive
    ],
    ids=["no-idn", "no-unit", "no-min", "no-max", "no-state", "no-drive"],
)
def test_soem_is_told_why_an_element_cant_be_read(bus, idn, element, drive, code):
    assert bus.soe_read(DRIVE, idn, element, drive) is None
    error = bus.error()
    assert (error.kind, error.subdevice, error.code & 0xFFFF) == (SOE_ERROR, DRIVE, code)


@pytest.mark.parametrize("value", [bytes(2), bytes(5), struct.pack("<I", 6001)], ids=["short", "long", "above"])
def test_soem_sees_that_a_value_isnt_taken(bus, value):
    """It looks for the code in the answer to a read only, and calls this one unexpected."""
    before = bus.soe_read(DRIVE, VELOCITY_LIMIT, VALUE)
    assert not bus.soe_write(DRIVE, VELOCITY_LIMIT, VALUE, value)
    assert bus.error().kind == PACKET_ERROR
    assert bus.soe_read(DRIVE, VELOCITY_LIMIT, VALUE) == before


def test_a_procedure_command_is_answered_and_its_end_is_told(bus):
    assert bus.soe_write(DRIVE, RESET, VALUE, struct.pack("<H", 3))
    mail = bus.receive(DRIVE)
    assert (mail[5] & 0x0F, mail[6] & 7, struct.unpack("<H", mail[8:10])) == (5, NOTIFICATION, (RESET,))
    assert bus.soe_read(DRIVE, RESET, DATA_STATE) == struct.pack("<H", 3), "done"
    assert bus.soe_write(DRIVE, RESET, VALUE, bytes(2))
    assert bus.soe_read(DRIVE, RESET, DATA_STATE) == bytes(2)


def test_an_emergency_of_soe_is_a_mail_of_its_own(bus_and_commands):
    bus, commands = bus_and_commands
    print("emergency drive 0x8611 0x21 1 2 3 4 5", file=commands, flush=True)
    mail = bus.receive(DRIVE)
    assert (mail[5] & 0x0F, mail[6] & 7) == (5, EMERGENCY)
    assert mail[10:] == struct.pack("<HB", 0x8611, 0x21) + bytes([1, 2, 3, 4, 5])
