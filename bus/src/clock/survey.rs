//! What each ESC has of distributed clocks.
//!
//! The features (0x0008) say that there is a clock, not that it has a system time: some ESCs take receive times only, and some
//! take them and don't say so. So what counts is who answers at the receive times (0x0900), the system time (0x0910) and the
//! cyclic unit's control (0x0980). How many do is asked by broadcast; only where that is neither none nor all, who they are is
//! asked one by one. Where nobody's features say that there is a clock, nothing is asked.

use futures_lite::future::zip;
use serde::Serialize;
use zerocat_wire::register::{self, features};

use crate::datagrams::{ATTEMPTS, Datagrams, Target};
use crate::error::{BringUpError, DatagramError};
use crate::executor::join_all;
use crate::subdevice::SubDevice;

/// What an ESC has of a clock, from less to more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockClass {
    /// Nothing.
    #[default]
    None,
    /// Receive times of its ports: it helps to find delays and follows nobody.
    ReceiveTimes,
    /// A system time of 32 bits, which wraps every 4.29 s.
    Narrow,
    /// A system time of 64 bits.
    Wide,
}

/// What an ESC has of distributed clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ClockInfo {
    /// Its clock.
    pub class: ClockClass,
    /// Whether it has a cyclic unit, which SYNC0 and SYNC1 come from.
    pub sync_unit: bool,
}

/// Asks all SubDevices. In bus order.
///
/// # Errors
/// `Datagram`.
pub async fn survey(datagrams: &Datagrams, subdevices: &[SubDevice]) -> Result<Vec<ClockInfo>, BringUpError> {
    if !subdevices.iter().any(|subdevice| subdevice.esc.dc()) {
        return Ok(vec![ClockInfo::default(); subdevices.len()]);
    }
    let who = |register, len| who_answers(datagrams, subdevices, register, len);
    let times = zip(who(register::DC_RECEIVE_TIME, 4), who(register::DC_SYSTEM_TIME, 4));
    let ((stamps, time), unit) = zip(times, who(register::DC_CYCLIC_CONTROL, 1)).await;
    let (stamps, time, unit) = (stamps?, time?, unit?);
    let info = |(at, subdevice): (usize, &SubDevice)| {
        let class = match subdevice.esc.features & features::DC_64 != 0 {
            true if time[at] => ClockClass::Wide,
            false if time[at] => ClockClass::Narrow,
            _ if stamps[at] => ClockClass::ReceiveTimes,
            _ => ClockClass::None,
        };
        ClockInfo { class, sync_unit: unit[at] && class >= ClockClass::Narrow }
    };
    Ok(subdevices.iter().enumerate().map(info).collect())
}

/// Who answers a read of a register, in bus order.
async fn who_answers(
    datagrams: &Datagrams,
    subdevices: &[SubDevice],
    register: u16,
    len: usize,
) -> Result<Vec<bool>, DatagramError> {
    let count = usize::from(datagrams.read(Target::Broadcast, register, len).await?.working_counter);
    let mut answers = vec![count >= subdevices.len(); subdevices.len()];
    // A read that is lost looks like one that nobody answers.
    for _ in 0..ATTEMPTS {
        if answers.iter().filter(|answers| **answers).count() >= count {
            break;
        }
        let asked = (0..answers.len()).filter(|at| !answers[*at]);
        let asked = asked.map(async |at| {
            let answer = datagrams.read_once(Target::Station(subdevices[at].station), register, len).await?;
            Ok::<_, DatagramError>((at, answer.working_counter > 0))
        });
        for asked in join_all(asked).await {
            let (at, answered) = asked?;
            answers[at] = answered;
        }
    }
    Ok(answers)
}
