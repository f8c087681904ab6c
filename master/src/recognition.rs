//! Who of the rig file is where on the bus, and what is told about it: who moved, who isn't in the rig file, who isn't on
//! the bus as the rig file wants it.

use crate::bring_up::StartError;
use crate::events::{Observer, SessionEvent};
use std::fmt;
use zerocat_bus::matching::Aside;
use zerocat_bus::{
    Accepts, BringUpError, Expected, Found, Identity, Label, Matching, Missing, Network, Product, SubDevice, identify,
};
use zerocat_config::{Excluded, Match, Rig, Slave, Unknown};

/// A SubDevice on the bus that the rig file doesn't name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// Position and name.
    pub who: Label,
    /// Its identity.
    pub identity: Identity,
}

impl fmt::Display for Unnamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { vendor_id, product_code, revision, serial } = self.identity;
        write!(
            f,
            "{} is not in the rig file: vendor {vendor_id:#010x}, product {product_code:#010x}, revision {revision:#010x}, \
             serial number {serial}",
            self.who
        )
    }
}

/// Finds the SubDevices of the rig file on a bus that was discovered.
///
/// # Errors
/// `Missing`, with each one that isn't there as the rig file wants it and isn't optional; `Unnamed`, where the rig file refuses those that it
/// doesn't name; `Bus`, where one that it names doesn't go to INIT.
pub(crate) fn recognise(rig: &Rig, network: &mut Network<'_>) -> Result<Matching, StartError> {
    let found: Vec<_> = network.subdevices().iter().map(SubDevice::found).collect();
    let expected: Vec<_> = rig.slaves.iter().map(expected).collect();
    let mut matching = identify(&expected, &found);
    for found in &matching.matches {
        tracing::info!(slave = found.key, position = found.position, by = %found.by, "recognised");
    }
    let optional = |missing: &Missing| rig.slave(&missing.expected.key).is_some_and(|slave| slave.optional);
    let (optional, missing): (Vec<_>, Vec<_>) = matching.missing.into_iter().partition(optional);
    if !missing.is_empty() {
        return Err(StartError::Missing { expected: rig.slaves.len(), missing });
    }
    matching.missing = optional;
    for position in excluded(rig, &found, &matching) {
        tracing::info!(position, "excluded by the rig file");
        network.exclude(position);
    }
    let unnamed = unnamed(network, &matching);
    if rig.network.unknown == Unknown::Refuse && !unnamed.is_empty() {
        return Err(StartError::Unnamed(unnamed));
    }
    match network.subdevices().iter().filter(|one| !matching.unexpected.contains(&one.position)).find_map(refusal) {
        Some(error) => Err(error),
        None => Ok(matching),
    }
}

/// Has SubDevices show their device ID where the rig file finds somebody by it: those whose SII says that they have one, and
/// those of a kind that is looked for.
pub(crate) async fn read_device_ids(rig: &Rig, network: &mut Network<'_>) {
    let wanted: Vec<_> = rig.slaves.iter().filter(|slave| slave.device_id.is_some()).map(expected).collect();
    if wanted.is_empty() {
        return;
    }
    let meant = |one: &SubDevice| wanted.iter().any(|wanted| wanted.says_kind() && wanted.same_kind(&one.found()));
    network.read_device_ids(|one| one.says_device_id() || meant(one)).await;
}

/// Those that the rig file doesn't name and excludes by their kind, by position.
fn excluded(rig: &Rig, found: &[Found], matching: &Matching) -> Vec<u16> {
    let kind = |kind: &Excluded| Expected {
        vendor: vendor(&kind.vendor()),
        product: product(&kind.product_code),
        ..Expected::default()
    };
    let kinds: Vec<_> = rig.network.exclude.iter().map(kind).collect();
    let is_one = |one: &&Found| kinds.iter().any(|kind| kind.says_kind() && kind.same_kind(one));
    let unexpected = found.iter().filter(|one| matching.unexpected.contains(&one.position));
    unexpected.filter(is_one).map(|one| one.position).collect()
}

fn refusal(one: &SubDevice) -> Option<StartError> {
    one.refused.clone().map(|error| BringUpError::from(error).into())
}

/// Tells who is otherwise than the rig file says though no rule is broken, and who isn't in it where that is to be told.
pub(crate) fn tell(rig: &Rig, network: &Network<'_>, matching: &Matching, observer: &Observer) {
    for found in &matching.matches {
        for aside in found.asides() {
            observer.warn(&SessionEvent::Aside { key: found.key.clone(), aside });
        }
        let has_id = rig.slave(&found.key).is_some_and(|slave| slave.aoe.net_id.is_some());
        let one = network.subdevices().iter().find(|one| one.position == found.position);
        let speaks = one.is_some_and(|one| one.mailbox.is_some_and(|mailbox| mailbox.aoe()));
        if has_id && !speaks {
            observer.warn(&SessionEvent::Aside { key: found.key.clone(), aside: Aside::NoAoe });
        }
    }
    for missing in &matching.missing {
        observer.warn(&SessionEvent::OptionalMissing(Box::new(missing.clone())));
    }
    if rig.network.unknown == Unknown::Ignore {
        return;
    }
    for unnamed in unnamed(network, matching) {
        observer.warn(&SessionEvent::Unnamed(unnamed));
    }
}

fn unnamed(network: &Network<'_>, matching: &Matching) -> Vec<Unnamed> {
    let all = network.subdevices().iter().filter(|one| matching.unexpected.contains(&one.position) && !one.excluded);
    all.map(|one| Unnamed { who: one.label(), identity: one.identity }).collect()
}

fn expected(slave: &Slave) -> Expected {
    let properties = &slave.properties;
    Expected {
        key: slave.key.clone(),
        vendor: vendor(&properties.vendor()),
        product: product(&properties.product_code),
        revision: accepts(&properties.revision),
        serial: serial(&properties.serial),
        alias: slave.alias,
        device_id: slave.device_id,
        position: properties.position,
    }
}

fn accepts(demand: &Match) -> Accepts {
    match demand {
        Match::Equal(number) => Accepts::Exactly(*number),
        Match::AtLeast(least) => Accepts::AtLeast(*least),
        // A name where a number belongs is refused by the rig file's rules.
        Match::Any | Match::Name(_) => Accepts::Any,
    }
}

/// 0 is no serial number: whoever writes it, as older drafts do, demands none.
fn serial(demand: &Match) -> Accepts {
    match demand {
        Match::Equal(0) => Accepts::Any,
        demand => accepts(demand),
    }
}

/// That of erased memory is 0: a SubDevice with an empty SII is found with it.
fn vendor(demand: &Match) -> Accepts {
    match demand {
        Match::Equal(u32::MAX) => Accepts::Exactly(0),
        demand => accepts(demand),
    }
}

fn product(demand: &Match) -> Product {
    match demand {
        Match::Equal(u32::MAX) => Product::Code(Accepts::Exactly(0)),
        Match::Name(name) => Product::Named(name.clone()),
        demand => Product::Code(accepts(demand)),
    }
}
