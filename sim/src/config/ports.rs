//! The tree of ports: which port of which SubDevice each one is connected to, and where the second end is.

use super::check::invalid;
use super::{ConfigProblem, SegmentConfig, SegmentConfigError};

/// Parent and port of each SubDevice.
pub(crate) fn parents(config: &SegmentConfig) -> Result<Vec<Option<(u16, u8)>>, SegmentConfigError> {
    let mut parents: Vec<Option<(u16, u8)>> = Vec::with_capacity(config.subdevices.len());
    for (n, subdevice) in (0u16..).zip(&config.subdevices) {
        let path = |key: &str| format!("subdevices[{n}].{key}");
        if subdevice.entry > 3 {
            return Err(invalid(path("entry"), ConfigProblem::NoSuchEntry(subdevice.entry)));
        }
        if n == 0 {
            if subdevice.parent.is_some() || subdevice.port.is_some() {
                return Err(invalid(path("parent"), ConfigProblem::FirstHasNoParent));
            }
            parents.push(None);
            continue;
        }
        let parent = subdevice.parent.unwrap_or(n - 1);
        if parent >= n {
            return Err(invalid(path("parent"), ConfigProblem::ParentNotBefore(parent)));
        }
        let key = if subdevice.port.is_some() { "port" } else { "parent" };
        let port = free_port(config, &parents, parent, subdevice.port);
        parents.push(Some((parent, port.map_err(|problem| invalid(path(key), problem))?)));
    }
    Ok(parents)
}

/// SubDevice and port of the second end.
pub(crate) fn second_end(config: &SegmentConfig) -> Result<Option<(u16, u8)>, SegmentConfigError> {
    let Some(end) = config.second_end else { return Ok(None) };
    let (parent, path) = (end.subdevice, |key: &str| format!("second_end.{key}"));
    let parents = parents(config)?;
    if usize::from(parent) >= parents.len() {
        return Err(invalid(path("subdevice"), ConfigProblem::NoSuchSubDevice(parent)));
    }
    free_port(config, &parents, parent, end.port)
        .map(|port| Some((parent, port)))
        .map_err(|problem| invalid(path(if end.port.is_some() { "port" } else { "subdevice" }), problem))
}

/// The port that is asked for, or the first that is free. Port 0 is the entry of most SubDevices; of others it comes last.
fn free_port(
    config: &SegmentConfig,
    parents: &[Option<(u16, u8)>],
    parent: u16,
    port: Option<u8>,
) -> Result<u8, ConfigProblem> {
    let entry = config.subdevices.get(usize::from(parent)).map_or(0, |parent| parent.entry);
    let free = |port: &u8| *port != entry && !parents.contains(&Some((parent, *port)));
    match port {
        Some(port) if port > 3 || port == 0 && entry == 0 => Err(ConfigProblem::NoSuchPort(port)),
        Some(port) if free(&port) => Ok(port),
        Some(port) => Err(ConfigProblem::PortTaken { parent, port }),
        None => [1, 2, 3, 0].into_iter().find(free).ok_or(ConfigProblem::NoFreePort(parent)),
    }
}
