//! The parameters of one drive: what reads and writes of their elements give, and what goes cyclically.
//!
//! Only values are written. A value that may be written is checked in this order: state, length, limits, meaning. The lists
//! S-0-0016 and S-0-0024 take what S-0-0187 and S-0-0188 name, each once.

use zerocat_wire::AlState;
use zerocat_wire::soe::{Attribute, Display, Elements, Idn, List, SoeError};

use super::Written;
use crate::describe::{Purpose, ValueId};
use crate::profile::Values;

/// S-0-0134, master control word.
pub(super) const CONTROL_WORD: Idn = Idn(134);
/// S-0-0135, drive status word.
pub(super) const STATUS_WORD: Idn = Idn(135);
/// S-0-0187, what may go in the AT.
pub(super) const AT_CHOICE: Idn = Idn(187);
/// S-0-0188, what may go in the MDT.
pub(super) const MDT_CHOICE: Idn = Idn(188);

/// A procedure command is to run: set and enabled.
const START: u16 = 3;
/// State of a procedure command that has ended well.
const DONE: u16 = 3;
/// The telegram that the lists describe.
const BY_LISTS: u64 = 7;

/// Where a value is.
#[derive(Debug, Clone)]
pub(super) enum Store {
    /// Here; of a list its items.
    Bytes(Vec<u8>),
    /// In the values of the application.
    Value(ValueId),
}

/// Who may write a value, and what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nobody.
    ReadOnly,
    /// Anything within the limits.
    Free,
    /// S-0-0015: the telegram of the lists only.
    TelegramType,
    /// What may go in this direction.
    Telegram(Purpose),
    /// A procedure command.
    Command,
}

/// One IDN.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) idn: Idn,
    pub(super) name: String,
    pub(super) attribute: Attribute,
    pub(super) unit: &'static str,
    /// Least and greatest value.
    pub(super) limits: Option<(i64, i64)>,
    pub(super) store: Store,
    pub(super) rule: Rule,
    /// Bits in the telegram.
    pub(super) bits: u8,
    /// Most bytes of a list.
    pub(super) most: u16,
}

/// One drive.
#[derive(Debug)]
pub(super) struct Drive {
    parameters: Vec<Parameter>,
    /// The values of power-on.
    defaults: Vec<Store>,
    /// State of each procedure command.
    states: Vec<u16>,
}

impl Drive {
    /// With parameters in the order of their IDNs.
    pub(super) fn new(mut parameters: Vec<Parameter>) -> Self {
        parameters.sort_by_key(|parameter| parameter.idn);
        let defaults = parameters.iter().map(|parameter| parameter.store.clone()).collect();
        let states = vec![0; parameters.len()];
        Self { parameters, defaults, states }
    }

    fn find(&self, idn: Idn) -> Result<usize, SoeError> {
        self.parameters.binary_search_by_key(&idn, |parameter| parameter.idn).map_err(|_| SoeError::NO_IDN)
    }

    /// The elements that are asked for, in the order of their bits.
    pub(super) fn read(&self, idn: Idn, elements: Elements, values: &Values) -> Result<Vec<u8>, SoeError> {
        let at = self.find(idn)?;
        let mut data = Vec::new();
        for bit in (0..8).filter(|bit| elements.0 >> bit & 1 != 0) {
            data.extend(self.element(at, Elements(1 << bit), values)?);
        }
        if elements.0 == 0 { Err(SoeError::NO_ELEMENT) } else { Ok(data) }
    }

    fn element(&self, at: usize, element: Elements, values: &Values) -> Result<Vec<u8>, SoeError> {
        let (Some(parameter), Some(default), Some(state)) =
            (self.parameters.get(at), self.defaults.get(at), self.states.get(at))
        else {
            return Err(SoeError::NO_IDN);
        };
        match element {
            Elements::DATA_STATE if parameter.rule == Rule::Command => Ok(state.to_le_bytes().to_vec()),
            Elements::DATA_STATE => Err(SoeError::NO_DATA_STATE),
            Elements::NAME => Ok(text(&parameter.name)),
            Elements::ATTRIBUTE => Ok(parameter.attribute.0.to_le_bytes().to_vec()),
            Elements::UNIT if parameter.unit.is_empty() => Err(SoeError::NO_UNIT),
            Elements::UNIT => Ok(text(parameter.unit)),
            Elements::MIN => parameter.limits.map(|limits| parameter.bytes(limits.0)).ok_or(SoeError::NO_MIN),
            Elements::MAX => parameter.limits.map(|limits| parameter.bytes(limits.1)).ok_or(SoeError::NO_MAX),
            Elements::VALUE => Ok(parameter.shown(&parameter.store, values)),
            _ if parameter.rule == Rule::ReadOnly => Err(SoeError::NO_DEFAULT),
            _ => Ok(parameter.shown(default, values)),
        }
    }

    /// Writes a value.
    pub(super) fn write(
        &mut self,
        idn: Idn,
        elements: Elements,
        data: &[u8],
        state: AlState,
    ) -> Result<Written, SoeError> {
        let at = self.find(idn)?;
        only_values(elements)?;
        let parameter = self.parameters.get(at).ok_or(SoeError::NO_IDN)?;
        if parameter.rule == Rule::ReadOnly {
            return Err(SoeError::VALUE_READ_ONLY);
        }
        if parameter.attribute.is_protected(state) {
            return Err(SoeError::VALUE_PROTECTED);
        }
        let bytes = parameter.admit(data)?;
        self.obeys(parameter.rule, &bytes)?;
        let mut written = Written::Value;
        if parameter.rule == Rule::Command {
            let ends = word(&bytes) == START;
            if let Some(state) = self.states.get_mut(at) {
                *state = if ends { DONE } else { 0 };
            }
            written = if ends { Written::Ended(DONE) } else { Written::Value };
        }
        if let Some(parameter) = self.parameters.get_mut(at) {
            parameter.store = Store::Bytes(bytes);
        }
        Ok(written)
    }

    fn obeys(&self, rule: Rule, bytes: &[u8]) -> Result<(), SoeError> {
        let right = match rule {
            Rule::Telegram(purpose) => {
                let asked = idns(bytes);
                let choice = self.list(if purpose == Purpose::Outputs { MDT_CHOICE } else { AT_CHOICE });
                let once = asked.iter().enumerate().all(|(n, idn)| !asked.iter().take(n).any(|before| before == idn));
                once && asked.iter().all(|idn| choice.contains(idn))
            }
            Rule::TelegramType => number(bytes) == BY_LISTS,
            Rule::ReadOnly | Rule::Free | Rule::Command => true,
        };
        if right { Ok(()) } else { Err(SoeError::VALUE_INVALID) }
    }

    /// The IDNs of a list.
    fn list(&self, idn: Idn) -> Vec<Idn> {
        match self.find(idn).ok().and_then(|at| self.parameters.get(at)).map(|parameter| &parameter.store) {
            Some(Store::Bytes(items)) => idns(items),
            _ => Vec::new(),
        }
    }

    /// Whether the list of a direction was changed since power-on.
    pub(super) fn has_changed(&self, purpose: Purpose) -> bool {
        let Ok(at) = self.find(telegram(purpose).0) else { return false };
        match (self.parameters.get(at).map(|parameter| &parameter.store), self.defaults.get(at)) {
            (Some(Store::Bytes(now)), Some(Store::Bytes(then))) => now != then,
            _ => false,
        }
    }

    /// Control or status word, then what the list of a direction names: value and bits.
    pub(super) fn telegram(&self, purpose: Purpose) -> Vec<(Option<ValueId>, u8)> {
        let (list, word) = telegram(purpose);
        let all = std::iter::once(word).chain(self.list(list));
        let found = all.filter_map(|idn| self.find(idn).ok().and_then(|at| self.parameters.get(at)));
        let field = |parameter: &Parameter| match parameter.store {
            Store::Value(id) => (Some(id), parameter.bits),
            Store::Bytes(_) => (None, parameter.bits),
        };
        found.map(field).collect()
    }
}

/// The list of a direction, and the word before it.
const fn telegram(purpose: Purpose) -> (Idn, Idn) {
    match purpose {
        Purpose::Outputs => (Idn::MDT_LIST, CONTROL_WORD),
        _ => (Idn::AT_LIST, STATUS_WORD),
    }
}

impl Parameter {
    /// A number as the value is stored.
    fn bytes(&self, number: i64) -> Vec<u8> {
        let bytes = number.to_le_bytes();
        bytes.iter().take(self.attribute.size().bytes()).copied().collect()
    }

    /// The value as it is read: a list with its header.
    fn shown(&self, store: &Store, values: &Values) -> Vec<u8> {
        match store {
            Store::Bytes(items) if self.attribute.is_list() => list(items, self.most),
            Store::Bytes(bytes) => bytes.clone(),
            Store::Value(id) => self.bytes(values.raw(*id).cast_signed()),
        }
    }

    /// The value of a write, of a list its items.
    fn admit(&self, data: &[u8]) -> Result<Vec<u8>, SoeError> {
        if self.attribute.is_list() {
            let list = List::parse(data).map_err(|_| SoeError::VALUE_TOO_SHORT)?;
            let whole = list.items.len().is_multiple_of(self.attribute.size().bytes());
            let longer = list.items.len() > self.most.into() || data.len() > List::HEADER_LEN + list.items.len();
            return match (longer, whole) {
                (true, _) => Err(SoeError::VALUE_TOO_LONG),
                (_, false) => Err(SoeError::VALUE_TOO_SHORT),
                _ => Ok(list.items.to_vec()),
            };
        }
        match data.len().cmp(&self.attribute.size().bytes()) {
            std::cmp::Ordering::Less => return Err(SoeError::VALUE_TOO_SHORT),
            std::cmp::Ordering::Greater => return Err(SoeError::VALUE_TOO_LONG),
            std::cmp::Ordering::Equal => {}
        }
        let Some((least, most)) = self.limits else { return Ok(data.to_vec()) };
        match self.number(data) {
            number if number < least => Err(SoeError::VALUE_BELOW_MIN),
            number if number > most => Err(SoeError::VALUE_ABOVE_MAX),
            _ => Ok(data.to_vec()),
        }
    }

    /// The number that bytes are, by its sign.
    fn number(&self, data: &[u8]) -> i64 {
        let raw = number(data);
        let unused = 64 - 8 * u32::try_from(data.len().min(8)).unwrap_or(8);
        match self.attribute.display() {
            Display::Signed => (raw << unused).cast_signed() >> unused,
            _ => i64::try_from(raw).unwrap_or(i64::MAX),
        }
    }
}

/// Whether only the value is addressed; elements that there are always can't be changed.
fn only_values(elements: Elements) -> Result<(), SoeError> {
    Err(match elements {
        Elements::VALUE => return Ok(()),
        Elements::NAME => SoeError::NAME_READ_ONLY,
        Elements::ATTRIBUTE => SoeError::ATTRIBUTE_READ_ONLY,
        Elements::UNIT => SoeError::UNIT_READ_ONLY,
        Elements::MIN => SoeError::MIN_READ_ONLY,
        Elements::MAX => SoeError::MAX_READ_ONLY,
        Elements::DEFAULT => SoeError::DEFAULT_READ_ONLY,
        Elements(0) => SoeError::NO_ELEMENT,
        _ => SoeError::GENERAL,
    })
}

fn text(text: &str) -> Vec<u8> {
    list(text.as_bytes(), u16::try_from(text.len()).unwrap_or(u16::MAX))
}

fn list(items: &[u8], most: u16) -> Vec<u8> {
    let mut bytes = vec![0; List::HEADER_LEN + items.len()];
    let len = List { most, items }.emit(&mut bytes).unwrap_or(0);
    bytes.truncate(len);
    bytes
}

fn idns(items: &[u8]) -> Vec<Idn> {
    List { most: 0, items }.words().map(Idn).collect()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn word(bytes: &[u8]) -> u16 {
    u16::try_from(number(bytes)).unwrap_or(u16::MAX)
}
