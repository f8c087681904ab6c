//! The same without the feature `xdp`: there is no such link.

use super::{LinkOpenError, LinkRequest, OpenLink};

pub(super) const fn open(_: &LinkRequest<'_>, _: &dyn Fn() -> bool) -> Result<OpenLink, LinkOpenError> {
    Err(LinkOpenError::NotBuilt { link: "xdp" })
}

/// Nothing is known of XDP programs.
pub(crate) const fn resident(_: &str) -> Option<String> {
    None
}
