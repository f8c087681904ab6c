//! Finds out who is on the bus, and brings everybody to a known state: INIT, no FMMU, no sync manager, a station
//! address by position.
//!
//! Guarantees: after [`discover`] each SubDevice answered alone at its station address and showed INIT without an
//! error, or says why not ([`SubDevice::refused`]). Everything that was configured before is gone. The order follows ETG.1500
//! and what other MainDevices do: count, reset by broadcast, count again, address, and from there on one by one, all at the
//! same time. One that refuses INIT, or whose SII can't be read, keeps nobody else from being found.

use futures_lite::future::zip;
use zerocat_wire::al::{AlControl, AlState};
use zerocat_wire::dl::DlStatus;
use zerocat_wire::sii::{Mailboxes, SiiOwner, SyncManagerEntry, SyncManagerUse};
use zerocat_wire::sync_manager::control;
use zerocat_wire::{fmmu, register, sync_manager};

use crate::al::{self, AlPolicy};
use crate::datagrams::{Datagrams, Target};
use crate::error::{AlError, BringUpError, DatagramError, Label, SiiError};
use crate::executor::join_all;
use crate::sii::{Content, Sii, SiiNames, SiiReader};
use crate::subdevice::{EscInfo, Identity, MailboxInfo, SubDevice};
use crate::times::Times;
use crate::topology::{Topology, topology};
use crate::watchdog::Watchdogs;
use crate::wiring;

/// Station address of position 0. Above the addresses that an alias is likely to have, and not 0, which is what an
/// ESC without an address has.
pub const FIRST_STATION: u16 = 0x1001;

/// Times that an SII interface must not answer, while the ESC does, to be taken for one that never does.
const SII_ATTEMPTS: u32 = 3;

/// Station address of a position.
#[must_use]
pub const fn station(position: u16) -> u16 {
    FIRST_STATION.wrapping_add(position)
}

/// Counts the SubDevices.
///
/// # Errors
/// Those of [`Datagrams::census`].
pub async fn count(datagrams: &Datagrams) -> Result<u16, DatagramError> {
    Ok(datagrams.census(register::TYPE, 1).await?.working_counter)
}

/// Finds all SubDevices and reads who they are.
///
/// # Errors
/// `Nobody`, `CountChanged`, and what any of them failed with, by position.
pub async fn discover(datagrams: &Datagrams, names: SiiNames) -> Result<(Vec<SubDevice>, Topology), BringUpError> {
    let count = count(datagrams).await?;
    if count == 0 {
        return Err(BringUpError::Nobody);
    }
    tracing::info!(subdevices = count, "counted");
    reset(datagrams).await?;
    let address =
        |position| datagrams.write_u16(Target::Position(position), register::STATION_ADDRESS, station(position));
    for addressed in join_all((0..count).map(address)).await {
        addressed?;
    }
    recount(datagrams, count).await?;
    let poll = AlPolicy::to(AlState::Init).poll;
    let in_init = al::all_show(datagrams, count.into(), AlState::Init, poll).await;
    let mut subdevices = Vec::new();
    for found in join_all((0..count).map(|position| identify(datagrams, position, in_init, names))).await {
        subdevices.push(found?);
    }
    recount(datagrams, count).await?;
    let ports: Vec<_> = subdevices.iter().map(|subdevice| subdevice.open_ports).collect();
    let tree = topology(&ports);
    for (subdevice, parent) in subdevices.iter_mut().zip(&tree.parents) {
        subdevice.parent = *parent;
    }
    for odd in wiring::oddities(&subdevices, &tree) {
        tracing::warn!("{odd}");
    }
    Ok((subdevices, tree))
}

async fn recount(datagrams: &Datagrams, before: u16) -> Result<(), BringUpError> {
    match count(datagrams).await? {
        now if now == before => Ok(()),
        now => Err(BringUpError::CountChanged { before, now }),
    }
}

/// Brings everybody to INIT and clears what a MainDevice before may have left. By broadcast: how many took part is
/// not looked at, since not everybody has each register; what matters is verified afterwards.
async fn reset(datagrams: &Datagrams) -> Result<(), DatagramError> {
    let init = |acknowledge| AlControl { state: AlState::Init, acknowledge }.emit();
    let [forced, _] = SiiOwner::FORCED.emit();
    // Station aliases off: only configured addresses count from here on.
    let alias_off = (register::DL_CONTROL + 3, [0].as_slice());
    datagrams.write(Target::Broadcast, register::AL_CONTROL, &init(true)).await?;
    write_all(
        datagrams,
        &[
            alias_off,
            (register::STATION_ADDRESS, &[0; 2]),
            (register::FMMU, &[0; 16 * fmmu::LEN]),
            (register::SYNC_MANAGER, &[0; 16 * sync_manager::LEN]),
            // No SYNC pulses from before. The cyclic unit's owner comes first: only who owns it may write the activation.
            (register::DC_CYCLIC_CONTROL, &[0]),
            (register::DC_ACTIVATION, &[0]),
            // The SII is taken from the local application, by force if it holds it.
            (register::SII_CONFIG, &[forced]),
        ],
    )
    .await?;
    // An ESC without an application shows what was written last, acknowledge bit included.
    let [owner, _] = SiiOwner::MAIN_DEVICE.emit();
    write_all(datagrams, &[(register::AL_CONTROL, &init(false)), (register::SII_CONFIG, &[owner])]).await
}

/// Writes to all SubDevices, several registers at the same time.
async fn write_all(datagrams: &Datagrams, writes: &[(u16, &[u8])]) -> Result<(), DatagramError> {
    let writes = writes.iter().map(|(register, data)| datagrams.write(Target::Broadcast, *register, data));
    for written in join_all(writes).await {
        written?;
    }
    Ok(())
}

/// Reads who a SubDevice is. `in_init`: it has shown INIT already.
async fn identify(
    datagrams: &Datagrams,
    position: u16,
    in_init: bool,
    names: SiiNames,
) -> Result<SubDevice, BringUpError> {
    let station = station(position);
    let target = Target::Station(station);
    let who = Label { position, name: String::new() };
    let failed = |source| BringUpError::SubDevice { who: who.clone(), doing: "identify", source };
    let refused = if in_init { None } else { refusal(datagrams, target, &who).await? };
    let dl = datagrams.read_u16(target, register::DL_STATUS);
    let alias = datagrams.read_u16(target, register::STATION_ALIAS);
    let (esc, (dl, alias)) = zip(datagrams.read_array(target, register::TYPE), zip(dl, alias)).await;
    let (esc, dl) = (EscInfo::parse(esc.map_err(failed)?), DlStatus(dl.map_err(failed)?));
    let alias = alias.map_err(failed)?;
    let sii =
        read_sii(datagrams, target, names).await.map_err(|source| BringUpError::Sii { who: who.clone(), source })?;
    let mut notes = sii.problems.clone();
    let boxes = &sii.fixed.mailbox;
    if boxes.are_there() && !in_memory(boxes) {
        let Mailboxes { receive_offset, receive_size, send_offset, send_size } = boxes;
        notes.push(format!(
            "SII words 0x0018 to 0x001b: mailboxes of {receive_size} bytes at {receive_offset:#06x} and {send_size} bytes at \
             {send_offset:#06x} are no memory of an ESC; it is run without"
        ));
    }
    let name = SubDevice::name_from(&sii);
    let refused = refused.map(|error| error.named(&name));
    let subdevice = SubDevice {
        position,
        station,
        name,
        identity: Identity::from(sii.fixed.identity),
        alias,
        esc,
        open_ports: std::array::from_fn(|port| u8::try_from(port).is_ok_and(|port| dl.open(port))),
        parent: None,
        state: refused.as_ref().map_or(Some(AlState::Init), AlError::shown).unwrap_or(AlState::Init),
        refused,
        device_id: None,
        excluded: false,
        times: Times::default(),
        watchdogs: Watchdogs::default(),
        mailbox: mailbox(&sii),
        sii,
        pdo_source: None,
        sync_managers: Vec::new(),
        notes,
    };
    tell(&subdevice);
    Ok(subdevice)
}

/// Why a SubDevice doesn't go to INIT, if it doesn't. The reset asked for it already; this waits, and acknowledges what is
/// left of errors.
async fn refusal(datagrams: &Datagrams, target: Target, who: &Label) -> Result<Option<AlError>, AlError> {
    match al::request(datagrams, target, who, AlState::Init, AlPolicy::to(AlState::Init)).await {
        Ok(_) => Ok(None),
        Err(error @ (AlError::Refused { .. } | AlError::Timeout { .. })) => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

fn tell(subdevice: &SubDevice) {
    let SubDevice { position, name, identity, .. } = subdevice;
    let Identity { vendor_id, product_code, revision, serial } = identity;
    let hex = |number: &u32| format!("{number:#010x}");
    let (vendor_id, product_code, revision) = (hex(vendor_id), hex(product_code), hex(revision));
    tracing::info!(position, name, vendor_id, product_code, revision, serial, "identified");
    for note in &subdevice.notes {
        tracing::warn!(position, name, note, "SII");
    }
    if let Some(error) = &subdevice.refused {
        tracing::warn!(fault = %error.fault(), "{error}; it is left as it is, without process data");
    } else if !subdevice.goes_up() {
        tracing::warn!(position, name, "stays in INIT, without process data");
    }
}

/// Whatever the memory holds, and also where it can't be read: the SubDevice stands on the bus like all others. One that
/// doesn't answer at the interface is asked again as long as it may only have been held up.
pub(crate) async fn read_sii(datagrams: &Datagrams, target: Target, names: SiiNames) -> Result<Sii, SiiError> {
    let mut unanswered = 0;
    loop {
        let read = async { SiiReader::open(datagrams, target).await?.with_names(names).read_all().await };
        match read.await {
            Err(error @ (SiiError::Busy { .. } | SiiError::Failed { .. } | SiiError::Category { .. })) => {
                return Ok(Sii::unreadable(&error));
            }
            Err(SiiError::Datagram(error @ DatagramError::NoAnswer { .. })) => {
                // Who answers nowhere is gone.
                datagrams.read_u8(target, register::TYPE).await?;
                unanswered += 1;
                if unanswered >= SII_ATTEMPTS {
                    return Ok(Sii::unreadable(&SiiError::Silent(error)));
                }
            }
            read => return read,
        }
    }
}

/// Its mailboxes in all states but BOOT.
pub(crate) fn mailbox(sii: &Sii) -> Option<MailboxInfo> {
    mailbox_at(sii, sii.fixed.mailbox)
}

/// A pair of mailboxes that an SII names, on the sync managers that it names for mailboxes.
pub(crate) fn mailbox_at(sii: &Sii, boxes: Mailboxes) -> Option<MailboxInfo> {
    let [write_channel, read_channel] = mailbox_channels(sii);
    (sii.content == Content::Programmed && boxes.are_there() && in_memory(&boxes)).then_some(MailboxInfo {
        write_channel,
        write_start: boxes.receive_offset,
        write_len: boxes.receive_size,
        read_channel,
        read_start: boxes.send_offset,
        read_len: boxes.send_size,
        protocols: sii.fixed.protocols,
    })
}

/// Whether mailboxes lie where an ESC has memory, as those of erased words don't.
fn in_memory(boxes: &Mailboxes) -> bool {
    let inside = |start: u16, size: u16| start >= register::RAM && start.checked_add(size - 1).is_some();
    inside(boxes.receive_offset, boxes.receive_size) && inside(boxes.send_offset, boxes.send_size)
}

/// The sync managers that the SII names for mailboxes, if it names both and their control bytes fit, else 0 and 1, which
/// is where nearly everybody has them.
fn mailbox_channels(sii: &Sii) -> [u8; 2] {
    let find = |usage, direction| {
        let fits = |entry: &SyncManagerEntry| {
            entry.usage == usage && entry.control & (control::MODE | control::DIRECTION) == control::MAILBOX | direction
        };
        (0..).zip(&sii.sync_managers).find(|(_, entry)| fits(entry)).map(|(number, _)| number)
    };
    match (find(SyncManagerUse::MailboxOut, control::WRITE), find(SyncManagerUse::MailboxIn, 0)) {
        (Some(write), Some(read)) => [write, read],
        _ => [0, 1],
    }
}
