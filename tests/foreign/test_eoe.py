"""SOEM sets and gets IP parameters and exchanges Ethernet frames with the simulated EoE server, which sends each frame
back with its addresses swapped."""

import ctypes
from ctypes import CFUNCTYPE, Structure, byref, c_char, c_int, c_uint8, c_uint16, c_void_p

import pytest
from conftest import file_of, simulated
from soem_functions import MAILBOX_ERROR, TIMEOUT_US, brought_up

ECHOING, ANNOUNCING, WITHOUT = 2, 3, 4
SUBDEVICES = [
    {"profile": "coupler"},
    {"profile": "servo", "name": "axis", "mailbox": {"protocols": ["coe", "eoe"]}},
    {"profile": "servo", "mailbox": {"protocols": ["coe", "eoe"], "announces": True}},
    {"profile": "servo"},
]
# The shortest frame; a fragment of 128 - 10 bytes in blocks of 32, and more; two; the longest, without checksum.
LENGTHS = [60, 96, 97, 118, 192, 193, 600, 1514]
MAC = bytes([2, 0, 0, 0, 0, 7])


class IpParameter(Structure):
    """`eoe_param_t` (ethercateoe.h)."""

    _fields_ = [
        ("has", c_uint8),
        ("mac", c_uint8 * 6),
        ("unused", c_uint8),
        ("address", c_uint8 * 4),
        ("mask", c_uint8 * 4),
        ("gateway", c_uint8 * 4),
        ("dns", c_uint8 * 4),
        ("name", c_char * 32),
    ]

    def told(self):
        numbers = self.mac, self.address, self.mask, self.gateway, self.dns
        return [self.has, *map(list, numbers), self.name]


ALL = IpParameter(
    has=0x3F,
    mac=tuple(MAC),
    address=(192, 168, 7, 20),
    mask=(255, 255, 255, 0),
    gateway=(192, 168, 7, 1),
    dns=(10, 1, 2, 3),
    name=b"axis-7.example",
)


class Eoe:
    """EoE of SOEM."""

    def __init__(self, bus, library):
        self.bus, self.library = bus, ctypes.CDLL(library)

    def call(self, name, subdevice, port, *values, timeout_us=TIMEOUT_US):
        return self.bus.call(name, c_uint16(subdevice), c_uint8(port), *values, c_int(timeout_us), library=self.library)

    def set_ip(self, subdevice, parameter):
        return self.call("ecx_EOEsetIp", subdevice, 0, byref(parameter))

    def get_ip(self, subdevice):
        parameter = IpParameter()
        assert self.call("ecx_EOEgetIp", subdevice, 0, byref(parameter)) > 0
        return parameter

    def send(self, subdevice, frame, port=0):
        assert self.call("ecx_EOEsend", subdevice, port, c_int(len(frame)), frame) > 0

    def receive(self, subdevice, port=0):
        size, frame = c_int(2048), (c_char * 2048)()
        assert self.call("ecx_EOErecv", subdevice, port, byref(size), frame) > 0
        return frame.raw[: size.value]


@pytest.fixture(scope="module")
def bus(request, tmp_path_factory):
    what = file_of(tmp_path_factory.mktemp("eoe"), SUBDEVICES)
    with simulated(request.config, *what), brought_up(request.config) as bus:
        assert bus.count == len(SUBDEVICES)
        yield bus


@pytest.fixture
def eoe(request, bus):
    return Eoe(bus, request.config.getoption("--soem-eoe"))


def frame_of(length, seed=0):
    return bytes(range(12)) + b"\x88\xb5" + bytes((7 * n + seed) & 0xFF for n in range(length - 14))


def swapped(frame):
    return frame[6:12] + frame[:6] + frame[12:]


def test_soem_sets_an_ip_parameter_and_gets_it_back(eoe):
    assert eoe.get_ip(ECHOING).told() == IpParameter().told(), "nothing is set at power-on"
    assert eoe.set_ip(ECHOING, ALL) > 0
    assert eoe.get_ip(ECHOING).told() == ALL.told()


def test_soem_sets_parts_of_an_ip_parameter(eoe):
    """It sends those that are set only, one behind the other."""
    some = IpParameter(has=0x06, address=(10, 0, 0, 9), mask=(255, 0, 0, 0))
    assert eoe.set_ip(ECHOING, some) > 0
    assert eoe.get_ip(ECHOING).told() == some.told()


@pytest.mark.parametrize("port", [0, 3])
@pytest.mark.parametrize("length", LENGTHS)
def test_frames_go_to_and_fro_in_soems_fragments(eoe, length, port):
    for turn in range(3):
        frame = frame_of(length, turn)
        eoe.send(ECHOING, frame, port)
        assert eoe.receive(ECHOING, port) == swapped(frame)


def test_an_address_that_soem_sets_is_announced_by_arp(eoe):
    assert eoe.set_ip(ANNOUNCING, ALL) > 0
    frame = eoe.receive(ANNOUNCING)
    assert frame[:14] == b"\xff" * 6 + MAC + b"\x08\x06"
    assert frame[22:32] == MAC + bytes(ALL.address) and frame[38:42] == bytes(ALL.address), "RFC 826, for itself"


def test_objects_are_read_between_the_fragments_of_a_frame(eoe):
    """SOEM hands each fragment to a hook and waits on for its answer."""
    frame, number, size, offset, frame_number, length = frame_of(1514), *(c_uint16(0) for _ in range(4)), c_int(2048)
    data, ended = (c_char * 2048)(), []

    @CFUNCTYPE(c_int, c_void_p, c_uint16, c_void_p)
    def hook(_, subdevice, mail):
        read = eoe.library.ecx_EOEreadfragment
        where = byref(number), byref(size), byref(offset), byref(frame_number)
        if read(c_void_p(mail), *where, byref(length), data) > 0:
            ended.append(data.raw[: length.value])
        return 1

    eoe.bus.context.eoe_hook = ctypes.cast(hook, c_void_p)
    try:
        eoe.send(ECHOING, frame)
        product = ctypes.create_string_buffer(4)
        where = c_uint16(ECHOING), c_uint16(0x1018), c_uint8(2), c_uint8(0)
        assert eoe.bus.call("ecx_SDOread", *where, byref(c_int(4)), product, c_int(TIMEOUT_US)) > 0
        assert product.raw != bytes(4)
    finally:
        eoe.bus.context.eoe_hook = None
    assert ended == [swapped(frame)]


def test_a_subdevice_without_eoe_says_so(eoe):
    assert eoe.call("ecx_EOEsetIp", WITHOUT, 0, byref(ALL), timeout_us=300_000) <= 0
    error = eoe.bus.error()
    # The protocol isn't supported (ETG.1000.4, table 30).
    assert (error.kind, error.code & 0xFFFF) == (MAILBOX_ERROR, 0x0002)
