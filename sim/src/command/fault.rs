//! Frame faults: frames that are dropped, delayed, duplicated or corrupted, how often and in which direction.

use zerocat_link::Link;
use zerocat_link::fault::{FaultInjector, FaultPlan, Lateness, Rate};

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFault {
    /// It disappears.
    Drop,
    /// It arrives after this many later frames.
    Delay(u32),
    /// It arrives twice.
    Duplicate,
    /// One bit behind its Ethernet header is flipped; its checksum is right all the same.
    Corrupt,
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultDirection {
    /// From the MainDevice to the segment: no SubDevice sees a lost frame.
    Out,
    /// Back to the MainDevice: the SubDevices have seen it.
    Back,
}

/// What happens to frames from now on. It changes one fault in one direction; the others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultChange {
    /// Which fault.
    pub fault: FrameFault,
    /// How often.
    pub rate: Rate,
    /// To which frames.
    pub direction: FaultDirection,
}

/// The faults of both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameFaults {
    /// From the MainDevice to the segment.
    pub out: FaultPlan,
    /// Back to the MainDevice.
    pub back: FaultPlan,
}

impl FrameFaults {
    /// Makes a change.
    pub const fn change(&mut self, change: FaultChange) {
        let plan = match change.direction {
            FaultDirection::Out => &mut self.out,
            FaultDirection::Back => &mut self.back,
        };
        match change.fault {
            FrameFault::Drop => plan.drop = change.rate,
            FrameFault::Duplicate => plan.duplicate = change.rate,
            FrameFault::Corrupt => plan.corrupt = change.rate,
            FrameFault::Delay(frames) => {
                plan.delay = change.rate;
                plan.late = Lateness::Frames(frames);
            }
        }
    }

    /// Sets them in an injector at the segment's end of a link. One at the MainDevice's end sends `out` and receives
    /// `back`.
    pub fn apply<L: Link>(&self, link: &mut FaultInjector<L>) {
        link.set_plans(self.back, self.out);
    }
}
