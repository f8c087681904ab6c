//! From INIT to OP and back with ethercrab's own calls, and a report of what it found.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ethercrab::error::Error;
use ethercrab::std::ethercat_now;
use ethercrab::{MainDevice, MainDeviceConfig, PduLoop, Timeouts};
use serde::Serialize;

/// SubDevices that the one group has room for, and bytes of its process image.
const SUBDEVICES: usize = 256;
const IMAGE: usize = 4096;
/// Time that OP may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the bus wasn't driven to the end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    /// ethercrab gave up.
    #[error("ethercrab: {0}")]
    Ethercrab(#[from] Error),
    /// OP was requested and cycles were exchanged, but not all SubDevices reached it.
    #[error("not all SubDevices in OP after 5 s of cycles")]
    NoOp,
}

/// A SubDevice as ethercrab found it.
#[derive(Debug, Serialize)]
pub(crate) struct Found {
    name: String,
    vendor_id: u32,
    product_code: u32,
    input_bytes: usize,
    output_bytes: usize,
}

/// What ethercrab found and counted.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) subdevices: Vec<Found>,
    pub(crate) cycles: u32,
    /// Cycles by the working counter that they came back with.
    pub(crate) working_counters: BTreeMap<u16, u32>,
    /// Cycles whose frame didn't come back within 500 ms.
    pub(crate) timeouts: u32,
    /// Inputs of each SubDevice at the end.
    pub(crate) inputs: Vec<Vec<u8>>,
}

/// Brings the bus to OP, exchanges `cycles` and takes it back to INIT.
pub(crate) async fn drive(pdu_loop: PduLoop<'static>, cycles: u32) -> Result<Report, DriveError> {
    let timeouts = Timeouts {
        // They are long, so that a busy machine doesn't look like a fault of the segment.
        pdu: Duration::from_millis(500),
        eeprom: Duration::from_secs(2),
        state_transition: Duration::from_secs(5),
        mailbox_echo: Duration::from_secs(1),
        mailbox_response: Duration::from_secs(2),
        ..Timeouts::default()
    };
    let main = MainDevice::new(pdu_loop, timeouts, MainDeviceConfig::default());
    let group = main.init_single_group::<SUBDEVICES, IMAGE>(ethercat_now).await?;
    let group = group.into_safe_op(&main).await?;
    let subdevices = group.iter(&main).map(|subdevice| {
        let (identity, io) = (subdevice.identity(), subdevice.io_raw());
        Found {
            name: subdevice.name().to_owned(),
            vendor_id: identity.vendor_id,
            product_code: identity.product_id,
            input_bytes: io.inputs().len(),
            output_bytes: io.outputs().len(),
        }
    });
    let subdevices = subdevices.collect();

    let group = group.request_into_op(&main).await?;
    let began = Instant::now();
    while !group.tx_rx(&main).await?.all_op() {
        if began.elapsed() > PATIENCE {
            return Err(DriveError::NoOp);
        }
    }
    let (mut working_counters, mut timeouts) = (BTreeMap::new(), 0);
    for cycle in 0..cycles {
        for subdevice in group.iter(&main) {
            subdevice.outputs_raw_mut().fill(u8::from(cycle & 1 == 1));
        }
        match group.tx_rx(&main).await {
            Ok(response) => *working_counters.entry(response.working_counter).or_insert(0) += 1,
            Err(Error::Timeout(_)) => timeouts += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let inputs = group.iter(&main).map(|subdevice| subdevice.inputs_raw().to_vec()).collect();

    let group = group.into_safe_op(&main).await?;
    let group = group.into_pre_op(&main).await?;
    group.into_init(&main).await?;
    Ok(Report { subdevices, cycles, working_counters, timeouts, inputs })
}
