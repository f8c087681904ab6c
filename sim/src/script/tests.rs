use super::*;
use crate::action::Action;
use crate::config::SegmentConfig;

fn script(text: &str) -> Result<Script, String> {
    Script::parse(text, &CommandParser::new(&SegmentConfig::example())).map_err(|error| error.to_string())
}

fn segment() -> Segment {
    Segment::new(&SegmentConfig::example()).unwrap()
}

/// Lines that are due at a time.
fn lines(run: &mut ScriptRun, segment: &Segment, now: Duration) -> Vec<usize> {
    std::iter::from_fn(|| run.due(segment, now).map(|(step, _)| step.line)).collect()
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn lines_have_times_or_come_with_the_line_before() {
    let script = script("# a test\n\nat 1s pull axis # pulled\n+500ms plug axis\nshow\n").unwrap();
    let power = |line, text: &str, when, command| Step { line, text: text.into(), when, kind: StepKind::Do(command) };
    assert_eq!(
        script.steps(),
        [
            power(3, "pull axis", When::At(ms(1000)), Command::Act(Action::PullCable { child: 5 })),
            power(4, "plug axis", When::After(ms(500)), Command::Act(Action::PlugCable { child: 5 })),
            power(5, "show", When::After(Duration::ZERO), Command::Show),
        ]
    );
}

#[test]
fn a_script_that_is_wrong_says_line_column_and_what_is_allowed() {
    let error = |text| script(text).unwrap_err();
    assert!(error("show\nat 1s pull axiz").starts_with("line 2, column 12: `axiz` is not allowed here, give a Sub"));
    assert!(error("at soon show").starts_with("line 1, column 4: `soon` is not allowed here, give a time"));
    assert!(error("+1 show").starts_with("line 1, column 1: `+1` is not allowed here, give + and a time"));
    assert!(error("at 1s").contains("line 1, column 6: the line ends here, give one of pull"));
    assert!(error("wait axis").contains("the line ends here, give INIT"));
    assert!(error("wait frame now").contains("too much"));
    assert!(error("at 2s show\nat 1s show").contains("line 2, column 4: this is before the time of the line before"));
    assert!(error("+2s show\n+1s show\nat 2.5s show").contains("before the time of the line before"));
    assert!(error("wait frame\nat 2s show").contains("after a wait"));
}

#[test]
fn steps_are_due_at_their_planned_times_and_late_looks_add_nothing() {
    let script = script("show\n+10ms show\n+10ms show\nat 40ms show").unwrap();
    let (mut run, segment) = (ScriptRun::new(script), segment());
    assert_eq!(lines(&mut run, &segment, Duration::ZERO), [1]);
    assert_eq!(lines(&mut run, &segment, ms(9)), [0usize; 0]);
    assert_eq!(lines(&mut run, &segment, ms(19)), [2]);
    assert_eq!(lines(&mut run, &segment, ms(20)), [3], "ten after the plan of the line before, not after its look");
    assert!(!run.is_over());
    assert_eq!(lines(&mut run, &segment, ms(100)), [4]);
    assert!(run.is_over());
}

#[test]
fn a_wait_holds_the_script_and_times_count_from_its_end() {
    let script = script("wait frame\n+1ms show\nwait coupler INIT\nshow\nwait axis OP\nquit").unwrap();
    let (mut run, mut segment) = (ScriptRun::new(script), segment());
    assert_eq!(lines(&mut run, &segment, ms(50)), [0usize; 0]);
    let mut frame = [0xff; 60];
    frame[12..].fill(0);
    frame[12..16].copy_from_slice(&[0x88, 0xa4, 12, 0x10]);
    assert_eq!(segment.process(&mut frame, ms(60)), crate::Outcome::Returned);
    assert_eq!(lines(&mut run, &segment, ms(60)), [0usize; 0]);
    assert_eq!(lines(&mut run, &segment, ms(61)), [2, 4], "the coupler is in INIT");
    assert_eq!(lines(&mut run, &segment, ms(1000)), [0usize; 0], "the axis is not in OP");
    assert!(!run.is_over());
}

#[test]
fn a_missing_file_is_named() {
    let parser = CommandParser::new(&SegmentConfig::example());
    let error = Script::load(Path::new("/nonexistent/script"), &parser).unwrap_err();
    assert_eq!(error.to_string(), "read /nonexistent/script");
}
