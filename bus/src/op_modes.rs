//! Operation modes of single SubDevices, read from their SIIs where a rig file asks for one by name: bring-up doesn't read them
//! otherwise, since they and their names take longer than all else that it needs.

use crate::bring_up::Network;
use crate::datagrams::Target;
use crate::discovery;
use crate::error::BringUpError;
use crate::executor::join_all;
use crate::sii::{Sii, SiiNames};

impl Network<'_> {
    /// Reads the operation modes of the SubDevices at these positions, all at the same time, into [`Sii::op_modes`]. In INIT, where
    /// the SIIs are the MainDevice's.
    ///
    /// # Errors
    /// `Sii`, with the SubDevice.
    pub async fn read_op_modes(&mut self, positions: &[u16]) -> Result<(), BringUpError> {
        let datagrams = self.datagrams();
        let wanted = self.subdevices_mut().iter_mut().filter(|one| positions.contains(&one.position));
        let reads = wanted.map(|one| async move {
            let read = discovery::read_sii(datagrams, Target::Station(one.station), SiiNames::All).await;
            let Sii { op_modes, .. } = read.map_err(|source| BringUpError::Sii { who: one.label(), source })?;
            one.sii.op_modes = op_modes;
            Ok(())
        });
        join_all(reads).await.into_iter().collect()
    }
}
