//! Startup commands of the rig file from the CoE commands of the tool.
//!
//! They keep the order of the file. A value of 1, 2 or 4 bytes is an unsigned number, which writes the same bytes whatever the object's
//! type is.

use super::NotImported;
use zerocat_config::{OnError, StartupCommand, Transition};
use zerocat_esi::eni::CoeCommand;

/// A startup command, with what the tool says about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Startup {
    pub(super) command: StartupCommand,
    pub(super) comment: String,
}

/// The commands, once for each of their transitions.
pub(super) fn of<'c>(
    commands: impl IntoIterator<Item = &'c CoeCommand>,
    left_out: &mut Vec<NotImported>,
) -> Vec<Startup> {
    let mut all = Vec::new();
    for command in commands {
        if command.complete && command.subindex > 1 {
            left_out.push(NotImported::new(called(command), "complete access begins with subindex 0 or 1"));
            continue;
        }
        for transition in &command.transitions {
            match known(transition) {
                Ok(transition) => all.push(one(command, transition)),
                Err(why) => left_out.push(NotImported::new(called(command), why)),
            }
        }
        if command.transitions.is_empty() {
            left_out.push(NotImported::new(called(command), "the file says no transition for it"));
        }
    }
    all
}

fn called(command: &CoeCommand) -> String {
    let CoeCommand { index, subindex, data, .. } = command;
    format!("the command of {index:#06x}:{subindex:02x} with {}", hex(data))
}

/// A transition that commands of a rig file are sent in.
pub(crate) fn known(name: &str) -> Result<Transition, String> {
    Ok(match name {
        "IP" => Transition::InitToPreOp,
        "PS" => Transition::PreOpToSafeOp,
        "SO" => Transition::SafeOpToOp,
        "OS" => Transition::OpToSafeOp,
        "SP" => Transition::SafeOpToPreOp,
        "PI" => Transition::PreOpToInit,
        other => return Err(format!("startup commands have no transition `{other}`")),
    })
}

fn one(command: &CoeCommand, transition: Transition) -> Startup {
    let CoeCommand { index, subindex, complete, data, comment, .. } = command;
    let (data_type, value) = value(*complete, data);
    let command = StartupCommand {
        transition,
        object: format!("{index:#06x}:{subindex:02x}"),
        drive: None,
        data_type: data_type.map(str::to_owned),
        value,
        complete_access: *complete,
        verify: false,
        on_error: OnError::default(),
    };
    Startup { command, comment: comment.clone() }
}

/// Data type and value that write these bytes.
pub(crate) fn value(complete: bool, data: &[u8]) -> (Option<&'static str>, serde_json::Value) {
    match (complete, data) {
        (false, [byte]) => (Some("uint8"), (*byte).into()),
        (false, [low, high]) => (Some("uint16"), u16::from_le_bytes([*low, *high]).into()),
        (false, [a, b, c, d]) => (Some("uint32"), u32::from_le_bytes([*a, *b, *c, *d]).into()),
        _ => (None, hex(data).into()),
    }
}

/// Bytes as a rig file has them.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(transitions: &[&str], data: &[u8], complete: bool) -> CoeCommand {
        CoeCommand {
            transitions: transitions.iter().map(|&transition| transition.to_owned()).collect(),
            index: 0x8010,
            subindex: 1,
            complete,
            data: data.to_vec(),
            comment: String::new(),
            fixed: false,
            timeout: None,
        }
    }

    #[test]
    fn every_length_writes_the_bytes_that_the_tool_writes() {
        for (data, complete) in
            [(&[0xfe][..], false), (&[1, 2], false), (&[1, 2, 3], false), (&[1, 2, 3, 0xff], false), (&[1, 0], true)]
        {
            let all = of(&[command(&["PS"], data, complete)], &mut Vec::new());
            let [one] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!(one.command.write().unwrap().data, data);
            assert_eq!(one.command.complete_access, complete);
        }
    }

    #[test]
    fn complete_access_that_begins_elsewhere_is_told() {
        let (mut left_out, odd) = (Vec::new(), CoeCommand { subindex: 2, ..command(&["PS"], &[1, 0], true) });
        assert_eq!(of(&[odd], &mut left_out), []);
        assert_eq!(left_out[0].why, "complete access begins with subindex 0 or 1");
    }

    #[test]
    fn a_command_of_two_transitions_is_two_and_others_are_told() {
        let mut left_out = Vec::new();
        let all = of(&[command(&["IP", "SO", "IB"], &[7], false), command(&[], &[7], false)], &mut left_out);
        let transitions: Vec<_> = all.iter().map(|one| one.command.transition).collect();
        assert_eq!(transitions, [Transition::InitToPreOp, Transition::SafeOpToOp]);
        let said: Vec<_> = left_out.iter().map(|left| (left.what.as_str(), left.why.as_str())).collect();
        let what = "the command of 0x8010:01 with 07";
        let none = "the file says no transition for it";
        assert_eq!(said, [(what, "startup commands have no transition `IB`"), (what, none)]);
    }
}
