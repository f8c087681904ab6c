//! Why a network description was refused.

use crate::error::EsiError;

/// Why a network description was refused.
#[derive(Debug, thiserror::Error)]
pub enum EniError {
    /// The file can't be read, isn't XML, or has an element that is wrong.
    #[error(transparent)]
    File(#[from] EsiError),
    /// The tool encrypted it.
    #[error("the file is encrypted (EncryptedEtherCATConfig); export it without encryption")]
    Encrypted,
    /// It is another kind of file.
    #[error("{}", other_root(.root))]
    OtherRoot {
        /// Name of its outermost element.
        root: String,
    },
    /// There is no configuration in it.
    #[error("there is no `EtherCATConfig/Config` in the file")]
    NoConfig,
    /// There is no SubDevice in it.
    #[error("there is no `EtherCATConfig/Config/Slave` in the file: the network has no SubDevices")]
    NoSubDevices,
    /// There are more SubDevices in it than a network can have.
    #[error("the file has more than 65535 SubDevices")]
    TooMany,
    /// A CoE command has data, and a number that some tools take for reading.
    #[error(
        "{subdevice}: the CoE command of {index:#06x}:{subindex:02x} has data and Ccs {ccs}; tools disagree whether that \
         writes or reads; with Ccs 1 it writes"
    )]
    Ccs {
        /// The SubDevice.
        subdevice: String,
        /// The object.
        index: u16,
        /// Its entry.
        subindex: u8,
        /// What stands there.
        ccs: u32,
    },
    /// The file says several things about one SubDevice's process data.
    #[error("{subdevice}: the file contradicts itself about its {direction}: {said}")]
    Contradiction {
        /// The SubDevice.
        subdevice: String,
        /// `inputs` or `outputs`.
        direction: &'static str,
        /// What each place says.
        said: String,
    },
}

fn other_root(root: &str) -> String {
    if root == "EtherCATInfo" {
        return "this is a device description (ESI), not a network description (ENI); `esi` of a rig file, or --esi of `zerocat init`, names the folder that it is in".to_owned();
    }
    format!("the outermost element is `{root}`: this is not a network description (ENI), whose is EtherCATConfig")
}
