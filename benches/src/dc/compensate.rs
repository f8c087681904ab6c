//! Measures the delays of a segment and sets its clocks by the library's own bring-up, under virtual time.

use super::DcBenchError;
use super::world::PERIOD;
use std::time::Duration;
use zerocat_bus::clock::{ClockOptions, Clocks, compensate as set_clocks};
use zerocat_bus::{BringUpError, Datagrams, Network, Options, SiiNames, block_on};
use zerocat_sched::time::nanos;
use zerocat_sim::{ProfileKind, Segment, SegmentConfig, SubDeviceConfig};
use zerocat_testkit::virtual_network::{Drive, Frames};

/// What was measured and set.
#[derive(Debug)]
pub(super) struct Compensated {
    pub(super) clocks: Clocks,
    /// Station addresses, by position.
    pub(super) stations: Vec<u16>,
    /// True time when all was set.
    pub(super) done: Duration,
}

/// What the MainDevice is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// By position: processing delay less forwarding delay in ns, as far as it is known.
    pub(super) differences_ns: &'a [Option<u32>],
    /// System time of the reference when true time began.
    pub(super) epoch: u64,
}

/// Finds the SubDevices of a segment, measures delays and sets its clocks, from the beginning of true time on. Gives the segment
/// back, and the frames for the next.
pub(super) fn compensate(
    segment: Segment,
    told: Told<'_>,
    frames: Frames,
) -> Result<(Segment, Compensated, Frames), DcBenchError> {
    let (mut drive, ends) = Drive::over(frames, segment, PERIOD, |link| link);
    let datagrams = ends.datagrams;
    let set = block_on(set(&datagrams, told), || drive.turn());
    let (clocks, stations) = set.map_err(|error| DcBenchError::BringUp(zerocat::chain(&error)))?;
    let clocks = clocks.ok_or(DcBenchError::NoClock)?;
    let done = Duration::from_nanos(drive.now().0);
    let segment = std::mem::replace(drive.engine_mut().link_mut().segment_mut(), spare()?);
    // Frames that can't be had back are made anew.
    let frames = drive.release(datagrams).unwrap_or_default();
    Ok((segment, Compensated { clocks, stations, done }, frames))
}

async fn set(datagrams: &Datagrams, told: Told<'_>) -> Result<(Option<Clocks>, Vec<u16>), BringUpError> {
    let network = Network::discover(datagrams, Options { names: SiiNames::Device, ..Options::default() }).await?;
    let options = ClockOptions { differences: told.differences_ns.to_vec(), ..ClockOptions::default() };
    let now = || told.epoch + nanos(datagrams.now());
    let clocks = set_clocks(datagrams, network.subdevices(), &options, &now).await?;
    Ok((clocks, network.subdevices().iter().map(|subdevice| subdevice.station).collect()))
}

/// Takes the place of a segment that is taken out.
fn spare() -> Result<Segment, DcBenchError> {
    let config = SegmentConfig::line(vec![SubDeviceConfig::new(ProfileKind::Coupler)]);
    Segment::new(&config).map_err(|error| DcBenchError::Segment(error.to_string()))
}
