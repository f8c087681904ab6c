"""KickCAT brings segments up, uses CoE and runs cycles beside it.

Its Python package has bring-up, process data, SDOs that fit in one mail, and SDO information. It has no segmented
transfers, no FoE, EoE, SoE, clocks and gateway, and doesn't tell emergencies. Two habits of 2.5 are worked around:

- Without cable redundancy it waits for every broadcast as long as for a lost frame. So it gets both ends of the line.
- It drops aborts as requests of a SubDevice, because they come with service 2, as from SOES. So an abort ends in its
  time-out; SOEM judges their codes.
"""

import contextlib
import gc
import time

import kickcat
import pytest
from conftest import file_of, simulated
from kickcat.mailbox.request import MessageStatus

CYCLES = 300
# KickCAT sends nothing again. A busy machine may keep a frame for long.
FRAME_TIMEOUT_S = 2.0
TIMEOUT_S = 10.0
# For what KickCAT takes for no answer.
REFUSED_TIMEOUT_S = 0.5
# Profile, bytes of inputs and of outputs. KickCAT maps one sync manager a direction.
LINE = [
    ({"profile": "coupler"}, (0, 0)),
    ({"profile": "digital_in", "channels": 8}, (1, 0)),
    ({"profile": "digital_out", "channels": 8}, (0, 1)),
    ({"profile": "analogue_in"}, (8, 0)),
    ({"profile": "analogue_out"}, (0, 4)),
    ({"profile": "servo"}, (12, 8)),
    ({"profile": "encoder"}, (10, 6)),
    ({"profile": "stepper"}, (8, 10)),
    ({"profile": "oversampling_in"}, (44, 0)),
    ({"profile": "modular", "modules": ["di8", "do16", "ai2", "ao2"]}, (5, 6)),
]


def servo_with(reply_counter):
    return {"profile": "servo", "name": "first-axis", "mailbox": {"reply_counter": reply_counter}}


@contextlib.contextmanager
def brought_up(config, folder, subdevices):
    """KickCAT with all SubDevices in PRE-OP, and the commands of the segment."""
    ends = "--second-interface", config.getoption("--second-segment-interface")
    with simulated(config, *ends, *file_of(folder, subdevices)) as commands:
        link = kickcat.create_link(
            config.getoption("--master-interface"), config.getoption("--second-master-interface")
        )
        link.set_timeout(FRAME_TIMEOUT_S)
        bus = kickcat.Bus(link)
        try:
            # The watchdogs' time.
            bus.init(5.0)
            assert len(bus.slaves()) == len(subdevices)
            yield bus, commands
        finally:
            # It closes its sockets when nobody refers to it.
            del bus, link
            gc.collect()


def to_op(bus):
    bus.create_mapping()
    bus.request_state(kickcat.State.SAFE_OP)
    bus.wait_for_state(kickcat.State.SAFE_OP, TIMEOUT_S)
    bus.process_data_no_check()
    bus.request_state(kickcat.State.OPERATIONAL)
    bus.wait_for_state(kickcat.State.OPERATIONAL, TIMEOUT_S, bus.process_data_no_check)


class Mailbox:
    """The mailbox of a SubDevice, as KickCAT uses it."""

    def __init__(self, bus, slave):
        self.bus, self.slave = bus, slave

    def read(self, index, subindex, access=kickcat.PARTIAL, size=112):
        return self.bus.read_sdo(self.slave, index, subindex, access, size, TIMEOUT_S)

    def ended(self, message, beside=lambda: None):
        """What became of a request; what goes on meanwhile."""
        while (status := message.status()) == MessageStatus.RUNNING:
            self.bus.process_mailboxes()
            beside()
        return status

    def write(self, index, subindex, data, complete=False, timeout=TIMEOUT_S):
        return self.ended(self.slave.mailbox.write_sdo(index, subindex, complete, data, timeout))

    def told(self, index, subindex, beside=lambda: None):
        """The same as `read`, message by message."""
        message = self.slave.mailbox.read_sdo(index, subindex, False, TIMEOUT_S)
        assert self.ended(message, beside) == MessageStatus.SUCCESS
        return bytes(message.data[: message.size])


@pytest.fixture(scope="module", params=["own", "echo"], ids=lambda counter: f"counter-{counter}")
def axis(request, tmp_path_factory):
    subdevices = [{"profile": "coupler"}, servo_with(request.param)]
    with brought_up(request.config, tmp_path_factory.mktemp("kickcat"), subdevices) as (bus, _):
        yield Mailbox(bus, bus.slaves()[1])


def test_kickcat_brings_every_profile_to_op_and_counts_them_in_each_cycle(request, tmp_path):
    with brought_up(request.config, tmp_path, [profile for profile, _ in LINE]) as (bus, _):
        to_op(bus)
        slaves = bus.slaves()
        assert [(slave.input_size, slave.output_size) for slave in slaves] == [sizes for _, sizes in LINE]
        assert {bus.get_state(slave) for slave in slaves} == {kickcat.State.OPERATIONAL}
        for _ in range(CYCLES):
            # It raises an error when a working counter isn't what it expects.
            bus.process_data()


def test_kickcat_keeps_its_cycles_complete_at_both_ends_of_a_broken_line(request, tmp_path):
    """It adds up the counters of two frames. A cable that is pulled may cost the frames that were on it."""
    with brought_up(request.config, tmp_path, [profile for profile, _ in LINE]) as (bus, commands):
        to_op(bus)
        for command in (f"pull {len(LINE) // 2}", f"plug {len(LINE) // 2}"):
            print(command, file=commands, flush=True)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                bus.process_data_no_check()
            for _ in range(CYCLES):
                bus.process_data()
        assert {bus.get_state(slave) for slave in bus.slaves()} == {kickcat.State.OPERATIONAL}


def test_kickcats_process_data_mails_and_error_counters_share_frames(request, tmp_path):
    errors = []
    with brought_up(request.config, tmp_path, [{"profile": "coupler"}, servo_with("own")]) as (bus, _):
        to_op(bus)
        for _ in range(20):
            message = bus.slaves()[1].mailbox.read_sdo(0x1018, 2, False, TIMEOUT_S)
            while message.status() == MessageStatus.RUNNING:
                bus.send_logical_read(errors.append)
                bus.send_logical_write(errors.append)
                bus.send_refresh_error_counters(errors.append)
                bus.send_mailboxes_write_checks(errors.append)
                bus.send_mailboxes_read_checks(errors.append)
                bus.finalize_datagrams()
                bus.process_awaiting_frames()
                bus.send_logical_read(errors.append)
                bus.send_read_messages(errors.append)
                bus.send_write_messages(errors.append)
                bus.finalize_datagrams()
                bus.process_awaiting_frames()
            assert (message.status(), len(message.data[: message.size])) == (MessageStatus.SUCCESS, 4)
    assert not errors


@pytest.mark.parametrize("counter", ["own", "echo"])
def test_kickcats_mails_come_through_beside_cycles_and_emergencies(request, tmp_path, counter):
    with brought_up(request.config, tmp_path, [{"profile": "coupler"}, servo_with(counter)]) as (bus, commands):
        axis = Mailbox(bus, bus.slaves()[1])
        product = axis.read(0x1018, 2)
        to_op(bus)
        for turn in range(4):
            print(f"emergency first-axis 0x8611 0x21 {turn} 2 3 4 5", file=commands, flush=True)
            deadline = time.monotonic() + TIMEOUT_S
            # The history of errors tells when it was sent.
            while axis.told(0x1003, 0, bus.process_data)[0] <= turn:
                assert time.monotonic() < deadline
                assert axis.told(0x1018, 2, bus.process_data) == product
        assert {bus.get_state(slave) for slave in bus.slaves()} == {kickcat.State.OPERATIONAL}


def test_kickcat_reads_and_writes_single_objects(axis):
    assert len(axis.read(0x1018, 2)) == 4, "expedited"
    assert axis.read(0x1008, 0) == b"first-axis", "normal"
    before = axis.read(0x60C2, 1)
    assert axis.write(0x60C2, 1, b"\x05") == MessageStatus.SUCCESS
    assert axis.read(0x60C2, 1) == b"\x05"
    assert axis.write(0x60C2, 1, before) == MessageStatus.SUCCESS
    assert axis.told(0x60C2, 1) == before


def test_kickcat_reads_and_writes_whole_objects(axis):
    count = axis.read(0x1018, 0)
    # Subindex 0 takes 16 bits in complete access (ETG.1000.6, 5.6.2).
    whole = axis.read(0x1018, 0, kickcat.COMPLETE)
    assert whole[:2] == count + b"\x00"
    assert whole[2:] == axis.read(0x1018, 1, kickcat.EMULATE_COMPLETE), "its entries one by one"
    mapping = axis.read(0x1603, 0, kickcat.COMPLETE)
    assert len(mapping) > 4, "else it is expedited"
    assert axis.write(0x1603, 0, mapping, complete=True) == MessageStatus.SUCCESS
    assert axis.read(0x1603, 0, kickcat.COMPLETE) == mapping


def test_kickcat_is_told_what_objects_are(axis):
    name, description = axis.bus.read_object_description(axis.slave, 0x6040)
    assert (name, "unsigned 16" in description, "VAR" in description) == ("Control word", True, True)
    name, description = axis.bus.read_object_description(axis.slave, 0x1018)
    assert (name, "max subindex: 4" in description, "RECORD" in description) == ("Identity", True, True)
    name, description = axis.bus.read_entry_description(axis.slave, 0x1018, 1)
    assert name == "Vendor ID" and "unsigned 32" in description and "read(PreOP,SafeOP,OP)" in description
    for nothing in (
        lambda: axis.bus.read_object_description(axis.slave, 0x5555),
        lambda: axis.bus.read_entry_description(axis.slave, 0x1018, 99),
    ):
        with pytest.raises(kickcat.ErrorCoE):
            nothing()


def test_a_request_that_is_refused_leaves_kickcats_mailbox_free(axis):
    def ended(index, subindex, data):
        return axis.write(index, subindex, data, timeout=REFUSED_TIMEOUT_S)

    for index, subindex, data in [(0x5555, 0, bytes(4)), (0x1018, 1, bytes(4)), (0x60C2, 1, bytes(2))]:
        assert ended(index, subindex, data) != MessageStatus.SUCCESS
        assert len(axis.read(0x1018, 2)) == 4


def test_kickcat_is_refused_op_in_preop(axis):
    axis.bus.request_state(kickcat.State.OPERATIONAL)
    with pytest.raises(kickcat.ErrorAL):
        axis.bus.wait_for_state(kickcat.State.OPERATIONAL, TIMEOUT_S)
    axis.bus.request_state(kickcat.State.PREOP)
    axis.bus.wait_for_state(kickcat.State.PREOP, TIMEOUT_S)
