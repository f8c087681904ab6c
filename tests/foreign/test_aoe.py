"""Beckhoff's AdsLib, by pyads, talks to the simulated AoE server.

It speaks ADS over TCP to a router. What it writes is put into mails here, byte for byte behind the header of AMS over TCP,
and SOEM brings these to the SubDevice; the answers go back the same way, and so do notifications, which come unasked. So AdsLib makes
the commands and judges what comes: addresses, invoke ID, lengths, errors. Responses in fragments are left out: AMS over TCP has none.
"""

import contextlib
import ctypes
import queue
import select
import socket
import struct
import threading

import pyads
import pytest
from conftest import file_of, simulated
from soem_functions import brought_up

GATE = 2
SUBDEVICES = [
    {"profile": "coupler"},
    {"profile": "servo", "name": "gate", "mailbox": {"protocols": ["coe", "aoe"], "aoe": {"ports": [4097, 4098]}}},
]
NET_ID = "5.11.22.33.2.1"
# Of AMS over TCP.
ROUTER = ("127.0.0.1", 48898)
# Ports of the SubDevice itself and of devices behind it.
OWN, FIRST, SECOND = 0xFFFF, 4097, 4098
SDO, COMPLETE, AREA = 0xF302, 0x100, 0x4020
AOE = 1
# Flag of a response.
RESPONSE = 1
# Between two looks for notifications.
LOOK_S, LOOK_US = 0.005, 1_000
NOT_FOUND, INVALID_GROUP, INVALID_SIZE, NO_SERVICE, NO_PORT, NO_TARGET = 0x70C, 0x702, 0x705, 0x701, 6, 7
NO_MODE, TOO_LONG = 0x713, 0x717


def received(connection, length):
    """So many bytes, or fewer when the other side has ended."""
    data = b""
    while len(data) < length and (more := connection.recv(length - len(data))):
        data += more
    return data


class Router(threading.Thread):
    """Carries commands from TCP to the mailbox of a SubDevice, and answers back."""

    def __init__(self, bus):
        super().__init__(daemon=True)
        self.bus, self.counter = bus, 0
        self.sockets = [socket.create_server(ROUTER)]

    def run(self):
        while True:
            try:
                connection, _ = self.sockets[0].accept()
            except OSError:
                return
            self.sockets.append(connection)
            # The end of the tests closes it.
            with connection, contextlib.suppress(OSError):
                self.serve(connection)

    def serve(self, connection):
        while True:
            if not select.select([connection], [], [], LOOK_S)[0]:
                self.tell(connection, self.bus.receive(GATE, LOOK_US))
                continue
            if len(header := received(connection, 6)) < 6:
                return
            self.ask(connection, received(connection, struct.unpack("<HI", header)[1]))

    def ask(self, connection, command):
        self.counter = self.counter % 7 + 1
        assert self.bus.send(GATE, struct.pack("<HHBB", len(command), 0, 0, AOE | self.counter << 4) + command)
        while not self.tell(connection, self.bus.receive(GATE)):
            pass

    def tell(self, connection, mail):
        """Hands a mail on, if there is one, and tells whether it is a response."""
        if not mail:
            return False
        assert mail[5] & 0x0F == AOE
        connection.sendall(struct.pack("<HI", 0, len(mail) - 6) + mail[6:])
        return bool(mail[6 + 18] & RESPONSE)

    def end(self):
        for each in self.sockets:
            # One that has ended already can't be shut down.
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.join(10)
        assert not self.is_alive()


@pytest.fixture(scope="module")
def router(request, tmp_path_factory):
    what = file_of(tmp_path_factory.mktemp("aoe"), SUBDEVICES)
    with simulated(request.config, *what), brought_up(request.config) as bus:
        router = Router(bus)
        router.start()
        pyads.open_port()
        pyads.set_local_address("127.0.0.1.1.1")
        pyads.add_route(NET_ID, ROUTER[0])
        yield router
        pyads.delete_route(pyads.AmsAddr(NET_ID, OWN))
        pyads.close_port()
        router.end()


def connection(port, net_id=NET_ID):
    return pyads.Connection(net_id, port, ROUTER[0])


@pytest.fixture
def gate(router):
    with connection(OWN) as gate:
        yield gate


@pytest.fixture
def first(router):
    with connection(FIRST) as first:
        yield first


def entry(index, subindex):
    return index << 16 | subindex


def refused(call):
    with pytest.raises(pyads.ADSError) as error:
        call()
    return error.value.err_code


def test_adslib_is_told_name_version_and_state(gate, first):
    name, version = gate.read_device_info()
    assert (name, version.version, version.revision) == ("ZC-SERVO", 1, 0)
    # In PRE-OP: stopped, and the AL state.
    assert gate.read_state() == (pyads.ADSSTATE_STOP, 2)
    assert first.read_state() == (pyads.ADSSTATE_RUN, 0)


def test_adslib_reads_and_writes_objects(gate):
    product = gate.read(SDO, entry(0x1018, 2), pyads.PLCTYPE_UDINT)
    assert product == 0x402
    before = gate.read(SDO, entry(0x60C2, 1), pyads.PLCTYPE_USINT)
    gate.write(SDO, entry(0x60C2, 1), 5, pyads.PLCTYPE_USINT)
    assert gate.read(SDO, entry(0x60C2, 1), pyads.PLCTYPE_USINT) == 5
    gate.write(SDO, entry(0x60C2, 1), before, pyads.PLCTYPE_USINT)
    assert gate.read(SDO, entry(0x1008, 0), pyads.PLCTYPE_STRING) == "gate"
    whole = gate.read(SDO, entry(0x1018, 0) | COMPLETE, ctypes.c_uint8 * 18)
    assert struct.unpack("<HIIII", bytes(whole))[2] == product


def test_adslib_talks_to_devices_behind_ports(first, router):
    data = [n * 7 & 0xFF for n in range(64)]
    first.write(AREA, 16, data, pyads.PLCTYPE_USINT * 64)
    assert first.read(AREA, 16, pyads.PLCTYPE_USINT * 64) == data
    got = first.read_write(AREA, 100, pyads.PLCTYPE_UDINT, 0x12345678, pyads.PLCTYPE_UDINT)
    assert got == 0x12345678
    with connection(SECOND) as second:
        assert second.read(AREA, 16, pyads.PLCTYPE_USINT * 64) == [0] * 64, "each has an area of its own"


def test_adslib_is_told_why_it_is_refused(gate, first):
    assert refused(lambda: gate.read(SDO, entry(0x5555, 0), pyads.PLCTYPE_UDINT)) == NOT_FOUND
    assert refused(lambda: gate.read(SDO, entry(0x1018, 2), pyads.PLCTYPE_USINT)) == INVALID_SIZE
    assert refused(lambda: gate.write(SDO, entry(0x60C2, 1), 5, pyads.PLCTYPE_UINT)) == INVALID_SIZE
    assert refused(lambda: first.read(0x1234, 0, pyads.PLCTYPE_UDINT)) == INVALID_GROUP
    assert refused(lambda: gate.read_write(SDO, 0, pyads.PLCTYPE_UDINT, 1, pyads.PLCTYPE_UDINT)) == NO_SERVICE


def test_adslib_is_told_where_nobody_is(router):
    with connection(5000) as nobody:
        assert refused(lambda: nobody.read(AREA, 0, pyads.PLCTYPE_UDINT)) == NO_PORT
    with connection(OWN, "5.11.22.33.9.9") as stranger:
        assert refused(lambda: stranger.read(SDO, entry(0x1018, 2), pyads.PLCTYPE_UDINT)) == NO_TARGET


def notified(device, place, mode, kind=pyads.PLCTYPE_UINT, length=None):
    """The values that are notified, in a queue, while it holds."""
    told = queue.Queue()

    @device.notification(kind, timestamp_as_filetime=True)
    def note(handle, name, time, value):
        told.put((time, value))

    length = length or ctypes.sizeof(kind)
    handles = device.add_device_notification(place, pyads.NotificationAttrib(length, mode, 0, 10), note)
    return told, handles


def test_adslib_is_notified_of_changes_until_it_ends_that(first):
    first.write(AREA, 0, 1, pyads.PLCTYPE_UINT)
    told, handles = notified(first, (AREA, 0), pyads.ADSTRANS_SERVERONCHA)
    values = [told.get(timeout=5)]
    for value in (7, 0xFFFF, 3):
        first.write(AREA, 0, value, pyads.PLCTYPE_UINT)
        values.append(told.get(timeout=5))
    assert [value for _, value in values] == [1, 7, 0xFFFF, 3]
    times = [time for time, _ in values]
    assert times == sorted(times) and len(set(times)) == len(times)
    first.del_device_notification(*handles)
    first.write(AREA, 0, 9, pyads.PLCTYPE_UINT)
    # What is cyclic comes many times meanwhile, and nothing else does.
    ticks, ticking = notified(first, (AREA, 0), pyads.ADSTRANS_SERVERCYCLE)
    ten = [ticks.get(timeout=5) for _ in range(10)]
    assert {value for _, value in ten} == {9}
    # 10 ms in 100 ns, unless frames came late.
    assert all(after - before >= 100_000 for (before, _), (after, _) in zip(ten, ten[1:], strict=False))
    first.del_device_notification(*ticking)
    assert told.empty()


def test_adslib_is_notified_of_objects_and_of_devices_behind_at_the_same_time(gate, first):
    objects, product = notified(gate, (SDO, entry(0x1018, 2)), pyads.ADSTRANS_SERVERCYCLE, pyads.PLCTYPE_UDINT)
    first.write(AREA, 32, 0x1234, pyads.PLCTYPE_UINT)
    areas, area = notified(first, (AREA, 32), pyads.ADSTRANS_SERVERCYCLE)
    assert [objects.get(timeout=5)[1] for _ in range(5)] == [0x402] * 5
    assert [areas.get(timeout=5)[1] for _ in range(5)] == [0x1234] * 5
    assert gate.read_state() == (pyads.ADSSTATE_STOP, 2), "commands go on beside"
    gate.del_device_notification(*product)
    first.del_device_notification(*area)


def test_adslib_is_told_which_notifications_it_cannot_have(gate, first):
    # An object has the size that it has.
    assert refused(lambda: notified(gate, (SDO, entry(0x1018, 2)), pyads.ADSTRANS_SERVERCYCLE)) == INVALID_SIZE
    assert refused(lambda: notified(first, (AREA, 0), pyads.ADSTRANS_CLIENTCYCLE)) == NO_MODE
    assert refused(lambda: notified(first, (AREA, 0), pyads.ADSTRANS_SERVERCYCLE, length=200)) == TOO_LONG
    assert refused(lambda: notified(first, (0x1234, 0), pyads.ADSTRANS_SERVERCYCLE)) == INVALID_GROUP
