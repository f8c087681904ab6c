use super::*;

fn parser() -> CommandParser {
    CommandParser::new(&SegmentConfig::example())
}

fn parsed(line: &str) -> Command {
    parser().parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).unwrap()
}

fn error(line: &str) -> String {
    parser().parse(line).unwrap_err().to_string()
}

#[test]
fn subdevices_are_named_or_numbered_as_in_the_file() {
    for line in ["power off axis", "power off 5", "  power\toff 0x5  # now"] {
        assert_eq!(parsed(line), Command::Act(Action::PowerOff { subdevice: 5 }), "{line}");
    }
    let spaced = SegmentConfig::line(vec![crate::SubDeviceConfig::new(crate::ProfileKind::Servo).named("left axis")]);
    let command = CommandParser::new(&spaced).parse(r#"power on "left axis""#).unwrap();
    assert_eq!(command, Some(Command::Act(Action::PowerOn { subdevice: 0 })));
}

fn refusal(index: u16, subindex: Option<u8>, code: Option<u32>) -> Action {
    let refusal = SdoRefusal { index, subindex, code: code.map(AbortCode) };
    Action::AbortSdo { subdevice: 5, refusal: Some(refusal) }
}

#[test]
fn every_action_has_its_line() {
    let lines = [
        ("pull axis", Action::PullCable { child: 5 }),
        ("plug 0", Action::PlugCable { child: 0 }),
        ("pull second-end", Action::PullEnd(End::Second)),
        ("plug second-end", Action::PlugEnd(End::Second)),
        ("damage axis 3", Action::DamageFrames { child: 5, frames: 3 }),
        ("power on axis", Action::PowerOn { subdevice: 5 }),
        ("al-error axis 0x001b", Action::AlError { subdevice: 5, state: None, code: 0x1b }),
        ("freeze axis", Action::FreezeMailbox { subdevice: 5, frozen: true }),
        ("abort axis off", Action::AbortSdo { subdevice: 5, refusal: None }),
        ("abort axis 0x6060 0x06060000", refusal(0x6060, None, Some(0x0606_0000))),
        ("abort axis 0x1018:2 0x08000020", refusal(0x1018, Some(2), Some(0x0800_0020))),
        ("abort axis 0x1018:2 off", refusal(0x1018, Some(2), None)),
        ("thaw 5", Action::FreezeMailbox { subdevice: 5, frozen: false }),
        ("emergency axis 0x3110", Action::Emergency { subdevice: 5, code: 0x3110, register: 1, data: [0; 5] }),
        (
            "diagnosis axis warning 0x4210 0x1001",
            Action::Diagnosis { subdevice: 5, kind: DiagnosisKind::Warning, code: 0x4210, text_id: 0x1001 },
        ),
        (
            "emergency axis 0x8611 0x21 1 2",
            Action::Emergency { subdevice: 5, code: 0x8611, register: 0x21, data: [1, 2, 0, 0, 0] },
        ),
        (
            "vendor-mail axis 7 1 0xff",
            Action::VendorMail { subdevice: 5, vendor_type: 7, data: [1, 255, 0, 0, 0, 0, 0, 0] },
        ),
        ("al-error axis 27 SAFE-OP", Action::AlError { subdevice: 5, state: Some(AlState::SafeOp), code: 27 }),
        ("input switches 1 on", Action::SetInput { subdevice: 2, channel: 1, value: 1 }),
        ("input switches 4 off", Action::SetInput { subdevice: 2, channel: 4, value: 0 }),
        ("input sensors 2 1234", Action::SetInput { subdevice: 3, channel: 2, value: 1234 }),
        ("latch axis 1 on", Action::SetLatchInput { subdevice: 5, input: LatchInput::Latch1, high: true }),
        ("drift axis 25ppm", Action::ClockDrift { subdevice: 5, ppm: 25.0 }),
        ("follow axis off", Action::FollowReference { subdevice: 5, follows: false }),
        ("miss-start axis", Action::MissStart { subdevice: 5, times: 1 }),
        ("miss-start axis 3", Action::MissStart { subdevice: 5, times: 3 }),
        (
            "refuse axis SAFE-OP 0x0032",
            Action::RefuseState { subdevice: 5, state: AlState::SafeOp, code: 50, times: 1 },
        ),
        ("refuse axis OP 0x002d 0", Action::RefuseState { subdevice: 5, state: AlState::Op, code: 45, times: 0 }),
        ("drift axis -0.5ppm", Action::ClockDrift { subdevice: 5, ppm: -0.5 }),
        ("input sensors 2 -1", Action::SetInput { subdevice: 3, channel: 2, value: u64::MAX }),
    ];
    for (line, action) in lines {
        assert_eq!(parsed(line), Command::Act(action), "{line}");
    }
}

#[test]
fn a_display_is_turned_to_the_next_page_or_to_one_by_its_number() {
    let pages = [("page", Page::Next), ("page 3", Page::Number(3)), ("page auto", Page::Auto)];
    for (line, page) in pages {
        assert_eq!(parsed(line), Command::Page(page), "{line}");
    }
    assert_eq!(error("page 0"), "column 6: `0` is not allowed here, give the number of a page from 1, or auto");
}

#[test]
fn faults_have_a_rate_and_a_direction() {
    let fault = |fault, rate, direction| Command::Fault(FaultChange { fault, rate, direction });
    let lines = [
        ("drop 1%", fault(FrameFault::Drop, Rate::PerMillion(10_000), FaultDirection::Back)),
        ("drop 0.0001% out", fault(FrameFault::Drop, Rate::PerMillion(1), FaultDirection::Out)),
        ("drop every 7", fault(FrameFault::Drop, Rate::Every(7), FaultDirection::Back)),
        ("drop off", fault(FrameFault::Drop, Rate::Never, FaultDirection::Back)),
        ("delay 2 frames 1%", fault(FrameFault::Delay(2), Rate::PerMillion(10_000), FaultDirection::Back)),
        ("delay 1 frame every 3 out", fault(FrameFault::Delay(1), Rate::Every(3), FaultDirection::Out)),
        ("delay off", fault(FrameFault::Delay(0), Rate::Never, FaultDirection::Back)),
        ("duplicate 100%", fault(FrameFault::Duplicate, Rate::PerMillion(1_000_000), FaultDirection::Back)),
        ("corrupt 12.5% back", fault(FrameFault::Corrupt, Rate::PerMillion(125_000), FaultDirection::Back)),
        ("faults off", Command::NoFaults),
        ("help", Command::Help),
        ("show", Command::Show),
        ("quit", Command::Quit),
    ];
    for (line, command) in lines {
        assert_eq!(parsed(line), command, "{line}");
    }
}

#[test]
fn empty_lines_and_comments_are_no_commands() {
    for line in ["", "   ", "# pull axis", "\t# x"] {
        assert_eq!(parser().parse(line), Ok(None), "{line:?}");
    }
}

#[test]
fn a_wrong_word_is_named_with_its_column_and_what_is_allowed() {
    assert!(error("pul axis").starts_with("column 1: `pul` is not allowed here, give one of pull, plug,"));
    assert_eq!(
        error("pull axiz"),
        "column 6: `axiz` is not allowed here, give a SubDevice: a number from 0 to 5, or coupler, valves, switches, \
         sensors, setpoints, axis"
    );
    assert!(error("pull 6").contains("a number from 0 to 5"));
    assert_eq!(error("power of axis"), "column 7: `of` is not allowed here, give on or off");
    assert!(error("al-error axis 0x1001b").starts_with("column 15: `0x1001b` is not allowed here, give a code"));
    assert!(error("al-error axis 1 safe-op").contains("INIT, PRE-OP, SAFE-OP or OP"));
    assert!(error("drop 101%").starts_with("column 6: `101%` is not allowed here, give a rate"));
    for wrong in ["drop 1", "drop -1%", "drop %", "drop nan%", "drop 1e1%", "drop every 0", "drop 1% up"] {
        assert!(error(wrong).contains("is not allowed here"), "{wrong}: {}", error(wrong));
    }
    assert_eq!(error("delay 2 times 1%"), "column 9: `times` is not allowed here, give frames");
    for wrong in ["drift axis 25", "drift axis 1001ppm", "drift axis infppm"] {
        assert!(error(wrong).contains("parts per million"), "{wrong}: {}", error(wrong));
    }
    assert!(error("emergency axis 0x8611 1 256").contains("a byte, as 0x21"));
    assert!(error("abort axis 0x10000 off").contains("an object as 0x6060 or 0x1018:2, or off"));
    assert!(error("abort axis 0x1018:256 off").contains("an object as 0x6060 or 0x1018:2, or off"));
    assert!(error("abort axis 0x1018 on").contains("an SDO abort code of 32 bits, as 0x06060000, or off"));
    assert!(error("input switches 0 on").contains("a channel from 1"));
}

#[test]
fn a_line_that_ends_early_or_late_says_where() {
    assert!(error("pull").starts_with("column 5: the line ends here, give a SubDevice: a number from 0 to 5"));
    assert_eq!(error("power"), "column 6: the line ends here, give on or off");
    assert_eq!(error("show all # x"), "column 6: `all` is too much, the command is complete before it");
}

#[test]
fn a_name_that_two_subdevices_have_is_refused() {
    let mut config = SegmentConfig::example();
    config.subdevices[1].name = Some("axis".into());
    let error = CommandParser::new(&config).parse("pull axis").unwrap_err();
    assert_eq!(error.to_string(), "column 6: `axis` is the name of 2 SubDevices, use its number");
}

#[test]
fn every_listed_command_begins_with_a_word_that_is_taken() {
    for (usage, _) in COMMANDS {
        let first = usage.split(' ').next().unwrap();
        assert!(WHICH.contains(first), "{first}");
        let said = parser().parse(first).map(drop).map_err(|error| error.to_string());
        assert!(said.as_ref().is_ok() || said.as_ref().is_err_and(|said| said.contains("the line ends")), "{said:?}");
    }
}
