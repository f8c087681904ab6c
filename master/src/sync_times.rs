//! The SYNC that SubDevices of the rig file ask for, in numbers, before anybody leaves INIT.

use crate::bring_up::StartError;
use crate::described::AllDescribed;
use zerocat_bus::named;
use zerocat_bus::{Matching, Network, SubDevice};
use zerocat_config::Rig;
use zerocat_config::dc::{SubDeviceDc, SyncTimes};
use zerocat_esi::OpMode;

/// SYNC of each SubDevice that asks for it, by position. Operation modes that are asked for by name are read.
///
/// # Errors
/// `Bus`, where they can't be read; `Sync`, where a SubDevice can't have what it asks for.
pub(crate) async fn sync_times(
    rig: &Rig,
    network: &mut Network<'_>,
    matching: &Matching,
    described: &AllDescribed,
) -> Result<Vec<(u16, SyncTimes)>, StartError> {
    let found = matching.matches.iter();
    let asking: Vec<(u16, &str, &SubDeviceDc)> =
        found.filter_map(|one| Some((one.position, one.key.as_str(), asks(rig, &one.key)?))).collect();
    let by_name: Vec<u16> =
        asking.iter().filter(|(.., dc)| dc.mode.is_some()).map(|(position, ..)| *position).collect();
    if !by_name.is_empty() {
        network.read_op_modes(&by_name).await?;
    }
    let mut all = Vec::new();
    for (position, key, dc) in asking {
        let Some(subdevice) = network.subdevices().iter().find(|one| one.position == position) else { continue };
        let modes = modes(subdevice, described);
        let times = dc.times(rig.period(), rig.exchanged_every(key), &modes);
        let who = || named(&subdevice.label(), Some(key));
        all.extend(times.map_err(|source| StartError::Sync { who: who(), source })?.map(|times| (position, times)));
    }
    Ok(all)
}

/// Its operation modes: those of its SII, then those that only its description names.
fn modes(subdevice: &SubDevice, described: &AllDescribed) -> Vec<OpMode> {
    let mut modes = subdevice.sii.op_modes.clone();
    let described = described.get(&subdevice.position);
    for mode in described.iter().flat_map(|described| &described.device.op_modes) {
        if modes.iter().all(|known| known.name != mode.name) {
            modes.push(mode.clone());
        }
    }
    modes
}

fn asks<'r>(rig: &'r Rig, key: &str) -> Option<&'r SubDeviceDc> {
    rig.slave(key)?.dc.as_ref().filter(|dc| dc.asks_for_sync())
}
