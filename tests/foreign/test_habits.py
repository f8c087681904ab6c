"""SOEM and KickCAT get along with what real mailboxes do: late and busy ones, answers before their request is taken,
emergencies before answers, what waits from the start on, parts that are short or empty.

Left out is what they don't get along with on real ones either: SOEM doesn't check toggles and takes the first of two
answers for both; KickCAT refuses a bus with mails that wait, has no segments, and stops at an answer that comes twice.
"""

import kickcat
import pysoem
import pytest
from conftest import file_of, simulated, soem
from test_kickcat import Mailbox, brought_up, to_op

BOTH = {
    "late": {"delay_every": 3, "delay": "4ms"},
    "busy": {"busy_every": 3, "busy": "4ms"},
    "answers-first": {"answers_first": True},
    "emergencies": {"emergency_every": 4},
    "no-check": {"checks_counter": False},
}
SOEM = BOTH | {
    "stale": {"stale_at_start": 1},
    "short-segments": {"segment": 20},
    "empty-initiate": {"empty_initiate": True},
    "short-and-empty": {"segment": 7, "empty_initiate": True},
    "repeats-what-it-has": {"repeat_request": "only_kept"},
}


def line(habits):
    mailbox = {"protocols": ["coe", "foe"], "habits": habits}
    return [{"profile": "coupler"}, {"profile": "servo", "name": "first-axis", "mailbox": mailbox}]


def each(of):
    return pytest.mark.parametrize("habits", of.values(), ids=of)


@each(SOEM)
def test_soem_gets_along_with_the_habits_of_a_mailbox(request, tmp_path, habits):
    with simulated(request.config, *file_of(tmp_path, line(habits))), soem(request.config) as bus:
        axis, told = bus.slaves[1], []
        axis.add_emergency_callback(told.append)
        length = len(axis.sdo_read(0x2000, 0, size=2048))
        assert length > 128, "longer than the mailbox, else nothing is segmented"
        for turn in range(5):
            pattern = bytes((7 * n + turn) & 0xFF for n in range(length))
            axis.sdo_write(0x2000, 0, pattern)
            assert axis.sdo_read(0x2000, 0, size=2048) == pattern
            assert axis.sdo_read(0x1008, 0) == b"first-axis"
            assert len(axis.sdo_read(0x1018, 0, ca=True)) == 18
            with pytest.raises(pysoem.SdoError):
                axis.sdo_read(0x5555, 0)
        assert bool(told) == ("emergency_every" in habits)


@each(SOEM)
def test_soem_moves_files_with_the_habits_of_a_mailbox(request, tmp_path, habits):
    # Emergencies are raised when the transfer has ended.
    if "emergency_every" in habits:
        habits = {"emergency_every": 0}
    with simulated(request.config, *file_of(tmp_path, line(habits))), soem(request.config) as bus:
        image = bytes(n * 13 & 0xFF for n in range(2000))
        assert bus.slaves[1].foe_write("image", 0, image, 5_000_000) > 0
        assert bus.slaves[1].foe_read("image", 0, 4000, 5_000_000) == image


@each(BOTH)
def test_kickcat_gets_along_with_the_habits_of_a_mailbox(request, tmp_path, habits):
    with brought_up(request.config, tmp_path, line(habits)) as (bus, _):
        axis = Mailbox(bus, bus.slaves()[1])
        product = axis.read(0x1018, 2)
        to_op(bus)
        for turn in range(20):
            assert axis.told(0x1018, 2, bus.process_data) == product
            assert axis.write(0x60C2, 1, bytes([1 + turn])) == kickcat.mailbox.request.MessageStatus.SUCCESS
            assert axis.told(0x60C2, 1, bus.process_data) == bytes([1 + turn])
