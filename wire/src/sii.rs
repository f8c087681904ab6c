//! The SubDevice information (SII, "EEPROM"): its access registers, its fixed area and its categories (ETG.1000.6, 5.4,
//! tables 16 to 27; ETG.2010).
//!
//! Word addresses are those of the SII, of 16 bits each; everything is little-endian. An image is a byte slice that
//! starts at word 0. Reading never panics, never loops and never goes beyond the image; an image that claims more than
//! it holds is an error. Not checked: that an index into the strings, or the number of a sync manager, exists.

pub mod category;
pub mod clock;
pub mod compose;
pub mod fixed;
pub mod general;
pub mod interface;
pub mod pdo;
pub mod strings;
pub mod sync_manager;

pub use category::{Categories, Category, CategoryHeader, CategoryType};
pub use clock::ClockMode;
pub use compose::Composer;
pub use fixed::{Fixed, Identity, Mailboxes};
pub use general::General;
pub use interface::{SiiCommand, SiiControl, SiiOwner, SiiStatus};
pub use pdo::{Pdo, PdoEntry, PdoView, Pdos};
pub use strings::Strings;
pub use sync_manager::{FmmuUsage, SyncManagerEntry, SyncManagerUse};
