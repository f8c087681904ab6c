//! Which ESC a SubDevice has: the one that its configuration names, else that of the device if it is known, else that of
//! its profile.

use crate::config::SubDeviceConfig;
use crate::describe::{Description, Pdo, Purpose};
use crate::esc::EscKind;

/// The ESC of a SubDevice, with room for what its description uses.
pub(super) fn choose(config: &SubDeviceConfig, description: &Description) -> EscKind {
    let kind = match config.esc_model() {
        Some(model) => {
            let (fmmus, end) = (description.sii.fmmus.len().max(mapped(description)), end(description));
            let lrw = description.esc.lrw;
            EscKind { lrw, ..model.kind() }.with_room(fmmus, description.sync_managers.len(), end)
        }
        None => description.esc,
    };
    EscKind {
        clock_bits: config.clock_bits(),
        al_latency: config.al_latency.map_or(kind.al_latency, |latency| latency.0),
        al_frames: if config.al_latency.is_some() { u8::MAX } else { kind.al_frames },
        lrw: kind.lrw && config.lrw,
        ..kind
    }
}

/// Sync managers with process data, each of which needs an FMMU.
fn mapped(description: &Description) -> usize {
    [Purpose::Outputs, Purpose::Inputs].map(|purpose| description.sync_managers(purpose).count()).iter().sum()
}

/// First address behind the memory that its sync managers use; process data have three buffers.
fn end(description: &Description) -> usize {
    let area = |(n, plan): (u8, &crate::describe::SyncManagerPlan)| {
        let bits: usize = description.assigned(plan.purpose, n).map(Pdo::bits).sum();
        let length = usize::from(plan.length).max(bits.div_ceil(8));
        let buffers = if matches!(plan.purpose, Purpose::Outputs | Purpose::Inputs) { 3 } else { 1 };
        usize::from(plan.start) + buffers * length
    };
    (0..).zip(&description.sync_managers).map(area).max().unwrap_or(0)
}
