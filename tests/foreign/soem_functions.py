"""Functions of SOEM that pysoem brings along and has no methods for: SoE, and raw mails.

They are called in pysoem's own library. A context of SOEM is a structure of pointers, here to more memory than any of it
takes. EoE isn't in that library; `scripts/foreign.sh` compiles that file of pysoem's source package beside it.
"""

import contextlib
import ctypes
from ctypes import POINTER, Structure, byref, c_char, c_int, c_int8, c_int32, c_uint8, c_uint16, c_uint32, c_void_p

import pysoem
from conftest import STATE_TIMEOUT_US

SOEM = ctypes.CDLL(pysoem.pysoem.__file__, mode=ctypes.RTLD_GLOBAL)
TIMEOUT_US = 5_000_000
# More than its port, its SubDevices and each of its tables takes.
ROOM = 1 << 20
MAX_SUBDEVICES, MAX_GROUPS = 16, 2
# Types of errors (`ec_err_type`).
PACKET_ERROR, SOE_ERROR, MAILBOX_ERROR = 3, 8, 9


class _Context(Structure):
    """`ecx_context` of SOEM 1.4 (ethercatmain.h)."""

    _fields_ = [
        ("port", c_void_p),
        ("slavelist", c_void_p),
        ("slavecount", POINTER(c_int)),
        ("maxslave", c_int),
        ("grouplist", c_void_p),
        ("maxgroup", c_int),
        ("esibuf", c_void_p),
        ("esimap", c_void_p),
        ("esislave", c_uint16),
        ("elist", c_void_p),
        ("idxstack", c_void_p),
        ("ecaterror", c_void_p),
        ("dc_to", c_uint16),
        ("dc_l", c_uint16),
        ("dc_time", c_void_p),
        ("sm_types", c_void_p),
        ("pdo_assign", c_void_p),
        ("pdo_description", c_void_p),
        ("eeprom_sm", c_void_p),
        ("eeprom_fmmu", c_void_p),
        ("foe_hook", c_void_p),
        ("eoe_hook", c_void_p),
        ("manual_state_change", c_int),
        ("user_data", c_void_p),
    ]


class Error(Structure):
    """`ec_errort` (ethercattype.h)."""

    _fields_ = [
        ("time", c_uint32 * 2),
        ("signal", c_int8),
        ("subdevice", c_uint16),
        ("index", c_uint16),
        ("subindex", c_uint8),
        ("kind", c_int),
        ("code", c_int32),
    ]


class Bus:
    """A segment with all SubDevices in PRE-OP. SubDevices count from 1."""

    def __init__(self, interface):
        self._memory = []
        self.context = _Context(maxslave=MAX_SUBDEVICES, maxgroup=MAX_GROUPS)
        for name, kind in _Context._fields_:
            if kind is c_void_p and not name.endswith(("hook", "data")):
                self._memory.append(ctypes.create_string_buffer(ROOM))
                setattr(self.context, name, ctypes.addressof(self._memory[-1]))
        self._count = c_int(0)
        self.context.slavecount = ctypes.pointer(self._count)
        assert self.call("ecx_init", interface.encode()) > 0
        self.count = self.call("ecx_config_init", c_uint8(0))

    def call(self, name, *values, library=SOEM):
        """A function of SOEM, whose first argument is the context."""
        return getattr(library, name)(byref(self.context), *values)

    def reaches(self, state):
        """Whether all SubDevices come to a state."""
        return self.call("ecx_statecheck", c_uint16(0), c_uint16(state), c_int(STATE_TIMEOUT_US)) == state

    def error(self):
        """The oldest error that wasn't taken yet, or nothing."""
        error = Error()
        return error if self.call("ecx_poperror", byref(error)) else None

    def send(self, subdevice, mail):
        """Writes a mail, and tells whether it was taken."""
        buffer = ctypes.create_string_buffer(mail, 1487)
        return self.call("ecx_mbxsend", c_uint16(subdevice), buffer, c_int(TIMEOUT_US)) > 0

    def receive(self, subdevice, timeout_us=TIMEOUT_US):
        """The next mail, or nothing."""
        buffer = ctypes.create_string_buffer(1487)
        if self.call("ecx_mbxreceive", c_uint16(subdevice), buffer, c_int(timeout_us)) <= 0:
            return b""
        return buffer.raw[: 6 + int.from_bytes(buffer.raw[:2], "little")]

    def soe_read(self, subdevice, idn, elements, drive=0, room=2048):
        """Elements of an IDN, or nothing; then there is an error."""
        size, data = c_int(room), (c_char * room)()
        where = c_uint16(subdevice), c_uint8(drive), c_uint8(elements), c_uint16(idn)
        got = self.call("ecx_SoEread", *where, byref(size), data, c_int(TIMEOUT_US))
        return data.raw[: size.value] if got > 0 else None

    def soe_write(self, subdevice, idn, elements, data, drive=0):
        """Writes an element of an IDN, and tells whether it was taken."""
        where = c_uint16(subdevice), c_uint8(drive), c_uint8(elements), c_uint16(idn)
        return self.call("ecx_SoEwrite", *where, c_int(len(data)), data, c_int(TIMEOUT_US)) > 0


@contextlib.contextmanager
def brought_up(config):
    """SOEM on the wire, with all SubDevices in PRE-OP."""
    timeouts = pysoem.settings.timeouts
    timeouts.ret, timeouts.safe, timeouts.eeprom = 100_000, 200_000, 500_000
    timeouts.tx_mailbox, timeouts.rx_mailbox, timeouts.state = 500_000, 5_000_000, STATE_TIMEOUT_US
    bus = Bus(config.getoption("--master-interface"))
    try:
        assert bus.reaches(pysoem.PREOP_STATE)
        yield bus
    finally:
        bus.call("ecx_close")
