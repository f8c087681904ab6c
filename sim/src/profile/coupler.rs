//! A coupler like the EK1100: no process data and no mailbox. It may be a junction.

use zerocat_wire::sii::Identity;

use super::beckhoff;
use crate::describe::Description;
use crate::esc::EscModel;

/// The description.
pub(crate) fn describe() -> Description {
    let base = beckhoff::simple(1100, "EK1100".into(), "EK1100 EtherCAT coupler (simulated)".into(), "System coupler");
    Description {
        // Product code of the EK1100; it ends differently from the terminals'.
        identity: Identity { product: 0x044c_2c52, ..base.identity },
        esc: EscModel::Ek1100.kind(),
        // There is no process data interface.
        pdi: 0,
        current: -2000,
        ..base
    }
}
