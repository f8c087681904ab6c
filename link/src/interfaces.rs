//! The interfaces of the calling thread's network namespace.

use std::io;

/// Their names.
///
/// # Errors
/// What the kernel says.
pub fn interfaces() -> io::Result<Vec<String>> {
    let all = nix::net::if_::if_nameindex()?;
    Ok(all.iter().map(|one| one.name().to_string_lossy().into_owned()).collect())
}

/// Their names, separated by commas.
pub(crate) fn existing() -> String {
    interfaces().map_or_else(|error| format!("(can't be listed: {error})"), |all| all.join(", "))
}
