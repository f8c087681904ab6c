//! Status datagrams: which SubDevice has its byte in which frame.
//!
//! A SubDevice tells in the frame that carries its process data, so that one frame says both what came and from whom. One
//! without process data, or with frames to itself, tells in the first frame with room that is sent as often as any.

use crate::crew::{Size, may_tell};
use crate::plan::{FramePlan, LayoutError, Plan, StatusPlan, SubDeviceLayout};
use alloc::vec;
use alloc::vec::Vec;
use zerocat_wire::datagram::OVERHEAD;
use zerocat_wire::fmmu::Fmmu;

/// Adds the status datagrams to a plan, at logical addresses from `logical` on, and their FMMUs.
pub(crate) fn add(
    plan: &mut Plan,
    subdevices: &[SubDeviceLayout],
    sizes: &[Size],
    room: usize,
    logical: usize,
) -> Result<(), LayoutError> {
    // The SubDevices of each frame, by index.
    let mut tellers: Vec<Vec<usize>> = vec![Vec::new(); plan.frames.len()];
    for (n, _) in sizes.iter().enumerate().filter(|(_, size)| size.status > 0) {
        if let Some(of_frame) = plan.subdevices.get(n).and_then(|planned| tellers.get_mut(planned.frame)) {
            of_frame.push(n);
        }
    }
    let often = plan.frames.first().map(|frame| frame.turn);
    for (n, subdevice) in subdevices.iter().enumerate() {
        if sizes.get(n).is_some_and(|size| size.status > 0) || !may_tell(subdevice) {
            continue;
        }
        let mut frames = plan.frames.iter().zip(&mut tellers).filter(|(frame, _)| Some(frame.turn) == often);
        if let Some((_, of_frame)) = frames.find(|(frame, of_frame)| has_room(frame, of_frame.len(), room)) {
            of_frame.push(n);
        }
    }
    place(plan, subdevices, tellers, logical)
}

/// Whether a frame with so many status bytes takes one more.
fn has_room(frame: &FramePlan, status: usize, room: usize) -> bool {
    let data: usize = frame.datagrams.iter().map(|datagram| datagram.len).sum();
    // The header of one datagram is no part of the room, that of the status datagram is.
    data + frame.datagrams.len() * OVERHEAD + status < room
}

fn place(
    plan: &mut Plan,
    subdevices: &[SubDeviceLayout],
    tellers: Vec<Vec<usize>>,
    mut logical: usize,
) -> Result<(), LayoutError> {
    for (frame, of_frame) in plan.frames.iter_mut().zip(tellers).filter(|(_, of_frame)| !of_frame.is_empty()) {
        let address = |byte: usize| u32::try_from(byte).map_err(|_| LayoutError::ImageTooLarge { bytes: byte });
        let mut status = StatusPlan { logical: address(logical)?, positions: Vec::new() };
        for n in of_frame {
            let (Some(planned), Some(subdevice)) = (plan.subdevices.get_mut(n), subdevices.get(n)) else { continue };
            let Some(register) = subdevice.status else { continue };
            let number = u8::try_from(planned.fmmus.len()).unwrap_or(u8::MAX);
            planned.status = Some((number, Fmmu::bytes(address(logical)?, 1, register, true, false)));
            status.positions.push(subdevice.position);
            logical += 1;
        }
        frame.status = Some(status);
    }
    Ok(())
}
