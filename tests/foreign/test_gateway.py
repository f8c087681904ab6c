"""A client of Beckhoff's (pyetg1510) reads the MainDevice's dictionary and SubDevices through zerocat's mailbox gateway,
while the bus runs.

It makes its mails by ETG.8200 and ETG.1510 as it knows them: an object dictionary by SDO information, then what is in it.
Two of its headers are laid out for Windows and lose bits elsewhere; they are replaced by the same with bits of one type.
"""

import asyncio
import contextlib
import signal
import socket
import subprocess
import time
from ctypes import Structure, c_uint16

import pytest
from conftest import file_of, simulated
from pyetg1510 import EtherCATMasterConnection, ETG1510Profile, MasterODSpecification
from pyetg1510.mailbox import SDOCommandMessage, SDOMessage, SDOResponseMessage, SdoService

GATEWAY = ("127.0.0.1", 34980)
SUBDEVICES = [
    {"profile": "coupler"},
    {"profile": "servo", "name": "first axis"},
    {"profile": "analogue_in"},
    {"profile": "servo", "name": "second axis"},
]
PRODUCT = 0x402
# Station addresses as zerocat gives them, and as tools count.
OURS, TOOLS = 0x1001, 1001


class EtherCATHeader(Structure):
    _fields_ = [("Length", c_uint16, 11), ("Reserved", c_uint16, 1), ("DataType", c_uint16, 4)]


class CoEHeader(Structure):
    _fields_ = [("Number", c_uint16, 9), ("Reserved", c_uint16, 3), ("Service", c_uint16, 4)]


def with_whole_headers(made=SDOMessage.__post_init__):
    def make(message):
        made(message)
        message.ethercat_header, message.coe_header = EtherCATHeader(), CoEHeader()

    return make


SDOMessage.__post_init__ = with_whole_headers()


@contextlib.contextmanager
def running(config, folder):
    """A bus in OP, with a gateway."""
    zerocat, interface = config.getoption("--zerocat"), config.getoption("--master-interface")
    rig = folder / "rig.yaml"
    with simulated(config, *file_of(folder, SUBDEVICES)):
        subprocess.run([zerocat, "init", "--interface", interface, rig], check=True, capture_output=True, timeout=60)
        # Cycles that a busy machine can keep; and nobody takes samples.
        text = rig.read_text().replace("rate: 1000", "rate: 50")
        rig.write_text(text[: text.index("tasks:")] + "tasks: []\n")
        process = subprocess.Popen([zerocat, "run", "--quiet", "--mailbox-gateway", rig], stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while not answers():
                assert process.poll() is None and time.monotonic() < deadline, "no gateway"
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def answers():
    """Whether the MainDevice says what it is (0x1000), as it does once the bus is in OP."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.5)
        udp.sendto(bytes.fromhex("1050 0a00 0000 0013 0020 40001000 00000000"), GATEWAY)
        return bool(udp.recv(2048))
    return False


@pytest.fixture(scope="module")
def gateway(request, tmp_path_factory):
    with running(request.config, tmp_path_factory.mktemp("gateway")):
        yield EtherCATMasterConnection(*GATEWAY)


@pytest.fixture(scope="module")
def profile(gateway):
    profile = ETG1510Profile(master_od=MasterODSpecification(connection=gateway))
    asyncio.run(profile.master_od.get_object_dictionary())
    return profile


def upload(connection, station, index, subindex, complete=False):
    """What is behind the header of an SDO response of a SubDevice, and the response itself."""
    request = SDOCommandMessage(sdo_service=SdoService.REQUEST, station_address=station)
    request.index, request.sub_index, request.complete_access, request.sdo_command_data = index, subindex, complete, None
    asyncio.run(connection.send_data(request.make_request_frame()))
    response = SDOResponseMessage(sdo_service=SdoService.RESPONSE)
    response.parse_response_frame(connection.received_data)
    assert response.mailbox_header.Address == station
    assert (response.sdo_header.Index, response.sdo_header.SubIndex) == (index, subindex)
    return response.data_body, response.sdo_header


def test_pyetg1510_reads_the_dictionary_of_the_maindevice(profile):
    """It reads records by complete access, and takes what SDO information says of their entries."""

    async def all_objects():
        return {index: dict(data.values) async for index, data in profile}

    objects = asyncio.run(all_objects())
    assert objects[0x1008]["DeviceName"] == "zerocat"
    stations = [OURS + n for n in range(len(SUBDEVICES))]
    assert objects[0xF020]["NumberofSlaves"] == len(stations)
    assert objects[0xF020]["ConfiguredAddress"][: len(stations)] == stations
    for n, station in enumerate(stations):
        configured, found, shown = (objects[area + n] for area in (0x8000, 0x9000, 0xA000))
        assert (configured["FixedStationAddress"], found["StationAddress"]) == (station, station)
        identity = [configured[key] for key in ("VendorId", "ProductCode", "RevisionNumber", "SerialNumber")]
        assert identity == [found[key] for key in ("VendorId", "ProductCode", "RevisionNumber", "SerialNumber")]
        assert shown["ALStatus"] == 8, "in OP"
    axis = objects[0x8001]
    assert (axis["Type"], axis["Name"], axis["ProductCode"]) == ("ZC-SERVO", "zc_servo_1", PRODUCT)
    assert (axis["MailboxOutSize"], axis["MailboxInSize"]) == (128, 128)


@pytest.mark.parametrize("first", [OURS, TOOLS])
def test_pyetg1510_reads_subdevices(gateway, first):
    data, header = upload(gateway, first + 1, 0x1018, 2)
    assert header.TransferType == 1 and int.from_bytes(data[:4], "little") == PRODUCT
    data, header = upload(gateway, first + 1, 0x1008, 0)
    assert header.TransferType == 0 and data[4:14] == b"first axis"
    data, _ = upload(gateway, first + 3, 0x1008, 0)
    assert data[4:15] == b"second axis"
    whole, header = upload(gateway, first + 1, 0x1018, 0, complete=True)
    assert header.CompleteAccess == 1 and int.from_bytes(whole[:4], "little") == 18
    # An abort (ETG.1000.6, 5.6.2), with its code.
    data, header = upload(gateway, first + 1, 0x5555, 0)
    assert header.CommandSpecifier == 4 and int.from_bytes(data[:4], "little") == 0x06020000
