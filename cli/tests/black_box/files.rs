//! What needs no network: help, rig files, schemas, examples.

use crate::bench_set::{Folder, demo_rig, read_json};
use crate::program::{Program, zerocat};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A name is indented by two; the lines that go on with its description by more.
    let names = listed
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().filter(|_| !line.starts_with("   ")));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn assert_helps(path: &[&str]) -> usize {
    let help = zerocat(&[path, &["--help"]].concat()).with_code(0).out;
    let below = commands(&help);
    assert!(path.is_empty() || help.contains("Example"), "no example in the help of {path:?}:\n{help}");
    1 + below.iter().map(|name| assert_helps(&[path, &[name]].concat())).sum::<usize>()
}

#[test]
fn every_command_has_an_example_in_its_help() {
    let all = assert_helps(&[]);
    assert!(all >= 8, "{all} commands");
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = zerocat(&["--help"]).with_code(0).out;
    assert!(help.contains("Exit codes:"), "{help}");
}

#[test]
fn a_reader_of_the_output_that_has_gone_is_no_fault() {
    use std::process::{Command, Stdio};
    let mut schema = Command::new(env!("CARGO_BIN_EXE_zerocat"));
    let mut child = schema.args(["schema", "rig"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn arguments_that_are_wrong_end_with_code_2() {
    zerocat(&["run"]).with_code(2);
    zerocat(&["fly"]).with_code(2);
    let folder = Folder::new();
    let rig = folder.json("rig.json", &demo_rig("zc-master"));
    zerocat(&["run", &rig, "--seconds", "-1"]).with_code(2);
}

#[test]
fn schemas_are_json_schemas_and_the_examples_follow_them() {
    for (format, files) in [
        ("rig", &["demo-rig.json"][..]),
        ("segment", &["demo-segment.json", "zoo-segment.json"]),
        ("report", &[]),
        ("campaign", &[]),
        ("sweep", &[]),
    ] {
        let schema = zerocat(&["schema", format]).with_code(0).json();
        assert!(schema["$schema"].is_string() && schema["title"].is_string(), "{format}");
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("schema of {format}: {error}"));
        let validator = jsonschema::validator_for(&schema).unwrap();
        for file in files {
            let wrong: Vec<_> =
                validator.iter_errors(&read_json(example(file))).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{file}: {wrong:#?}");
        }
        assert!(!validator.is_valid(&json!({ "nonsense": 1 })), "{format}");
    }
}

/// The names of all keys in a JSON schema.
fn keys(schema: &Value, into: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            let described = schema["properties"].as_object().filter(|_| schema["type"] == "object");
            into.extend(described.into_iter().flat_map(|found| found.keys().cloned()));
            object.values().for_each(|value| keys(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

#[test]
fn every_key_of_what_commands_write_is_explained_in_its_manual() {
    let manuals = [
        ("report", include_str!("../../../docs/report.md")),
        ("campaign", include_str!("../../../docs/campaign.md")),
        ("sweep", include_str!("../../../docs/devices.md")),
        ("error", include_str!("../../../docs/exit-codes.md")),
    ];
    for (format, manual) in manuals {
        let mut all = Vec::new();
        keys(&zerocat(&["schema", format]).with_code(0).json(), &mut all);
        let word = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
        let explained: Vec<Vec<String>> = manual.split('`').skip(1).step_by(2).map(word).collect();
        all.retain(|key| !explained.iter().flatten().any(|word| word == key));
        assert!(all.is_empty(), "the manual of {format} doesn't explain {all:?}");
    }
}

#[test]
fn check_passes_the_example_rig() {
    let path = example("demo-rig.json");
    let file = path.to_str().unwrap();
    let ended = zerocat(&["check", file]).with_code(0);
    assert!(ended.out.contains("demo-inputs") && ended.out.contains("demo-outputs"), "{}", ended.out);
    let verdict = zerocat(&["check", file, "--json"]).with_code(0).json();
    assert_eq!((&verdict["ok"], &verdict["problems"]), (&json!(true), &json!([])));
}

#[test]
fn a_wrong_rig_file_is_refused_with_the_path_of_the_key() {
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut rig = demo_rig("zc-master");
        change(&mut rig);
        rig
    };
    let cases = [
        (
            wrong(&|rig| rig["slaves"][2]["properties"]["pdos"]["inputs"][0]["bit_length"] = json!("x")),
            "slaves[2].properties.pdos.inputs[0].bit_length",
        ),
        (
            wrong(&|rig| rig["tasks"][0]["config"]["channels"][1]["device"] = json!("nobody")),
            "tasks[0].config.channels[1].device",
        ),
        (wrong(&|rig| rig["tasks"][0]["config"]["sample_rate"] = json!(3)), "tasks[0].config.sample_rate"),
        (wrong(&|rig| rig["network"]["properties"]["speed"] = json!(1)), "network.properties"),
        (wrong(&|rig| rig["engine"]["priority"] = json!(99)), "engine.priority"),
    ];
    let folder = Folder::new();
    for (rig, key) in cases {
        let file = folder.json("rig.json", &rig);
        zerocat(&["check", &file]).with_code(3).saying(&[&file, key]);
        zerocat(&["run", &file]).with_code(3).saying(&[&file, key]);
        let ended = zerocat(&["check", &file, "--json"]).with_code(3);
        assert_eq!(ended.json()["ok"], false);
        let verdict = ended.json();
        assert!(verdict["problems"][0]["path"].as_str().is_some_and(|path| path.contains(key)), "{verdict}");
        assert_eq!(verdict["error"]["problems"], verdict["problems"]);
    }
}

#[test]
fn a_file_that_is_missing_or_no_json_is_refused() {
    let folder = Folder::new();
    let nowhere = folder.path("nowhere.json");
    let broken = folder.file("broken.json", "{ \"network\": ");
    for command in ["check", "run"] {
        zerocat(&[command, &nowhere]).with_code(3).saying(&[&nowhere]);
        zerocat(&[command, &broken]).with_code(3).saying(&[&broken]);
    }
    zerocat(&["sim", "--interface", "lo", "--config", &nowhere]).with_code(3).saying(&[&nowhere]);
    let segment = folder.file("segment.json", r#"{"subdevices":[{"profile":"servo","colour":1}]}"#);
    zerocat(&["sim", "--interface", "lo", "--config", &segment]).with_code(3).saying(&[&segment, "subdevices[0]"]);
}

#[test]
fn each_shell_completes_every_command() {
    let all = commands(&zerocat(&["--help"]).with_code(0).out);
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = zerocat(&["completions", shell]).with_code(0).out;
        for command in &all {
            assert!(script.contains(command.as_str()), "{command} in {shell}");
        }
        assert!(script.contains("replace-program"), "options of `run` in {shell}");
    }
}

#[test]
fn there_is_a_man_page_for_every_command() {
    let folder = Folder::new();
    let pages = folder.path("man1");
    zerocat(&["man", &pages]).with_code(0);
    for command in commands(&zerocat(&["--help"]).with_code(0).out) {
        let page = std::fs::read_to_string(format!("{pages}/zerocat-{command}.1")).unwrap();
        assert!(page.contains(".TH ") && page.contains(".SH \"EXAMPLES\"\n"), "{command}:\n{page}");
    }
    let file = folder.file("file", "");
    zerocat(&["man", &format!("{file}/man1")]).with_code(3).saying(&["write man pages into"]);
}

#[test]
fn no_line_of_help_is_wider_than_the_terminal() {
    use std::process::Command;
    let all = commands(&zerocat(&["--help"]).with_code(0).out);
    let below = commands(&zerocat(&["bench", "--help"]).with_code(0).out);
    let paths = all.iter().map(|name| vec![name.as_str()]).chain(below.iter().map(|name| vec!["bench", name]));
    for path in std::iter::once(Vec::new()).chain(paths) {
        let mut help = Command::new(env!("CARGO_BIN_EXE_zerocat"));
        help.args(&path).arg("--help").env("COLUMNS", "100");
        let help = Program::start_command(help, "help").end().with_code(0).out;
        let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{path:?}: {wide:#?}");
    }
}

/// The rig of the demonstration with these sinks.
fn rig_with_sinks(sinks: [&str; 2]) -> Value {
    let mut rig = demo_rig("zc-none");
    for (task, sink) in sinks.into_iter().enumerate() {
        rig["tasks"][task]["sink"] = json!({ "jsonl": sink });
    }
    rig
}

#[test]
fn a_file_that_two_sinks_write_under_any_name_is_refused_before_anything_moves() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("fast.jsonl", folder.path("link.jsonl")).unwrap();
    for second in ["fast.jsonl", "./fast.jsonl", "link.jsonl"] {
        let rig = folder.json("rig.json", &rig_with_sinks(["fast.jsonl", second]));
        for command in ["check", "run"] {
            zerocat(&[command, &rig])
                .with_code(3)
                .saying(&["tasks[1].sink.jsonl", "already used in tasks[0].sink.jsonl"]);
        }
        assert!(!Path::new(&folder.path("fast.jsonl")).exists(), "{second}");
    }
    for both in ["-", "/dev/null"] {
        let rig = folder.json("rig.json", &rig_with_sinks([both, both]));
        zerocat(&["check", &rig]).with_code(0);
    }
}

#[test]
fn options_that_write_one_file_or_the_rig_file_are_refused_before_anything_moves() {
    let folder = Folder::new();
    let rig = folder.json("rig.json", &rig_with_sinks(["a.jsonl", "b.jsonl"]));
    let before = read_json(&rig);
    let path = |name: &str| folder.path(name);
    for (options, one) in [
        ([("--report", path("x.json")), ("--capture", path("./x.json"))], "--report and --capture are one file"),
        (
            [("--report", path("x.json")), ("--capture", path("a.jsonl"))],
            "the sink of task `demo-inputs` and --capture",
        ),
        ([("--report", path("rig.json")), ("--capture", path("y"))], "the rig file and --report are one file"),
    ] {
        let options = options.iter().flat_map(|(option, file)| [*option, file.as_str()]);
        let arguments: Vec<_> = ["run", rig.as_str()].into_iter().chain(options).collect();
        zerocat(&arguments).with_code(2).saying(&[one, "give each a file of its own"]);
    }
    assert_eq!(read_json(&rig), before);
    assert!(!Path::new(&path("x.json")).exists());
}

#[test]
fn a_report_that_cannot_be_written_is_said_before_anything_moves() {
    let folder = Folder::new();
    let rig = folder.json("rig.json", &demo_rig("zc-none"));
    let report = folder.path("no/report.json");
    // An interface that isn't there would be said if the link were opened first.
    zerocat(&["run", &rig, "--report", &report]).with_code(3).saying(&[&report, "check that its folder exists"]);
    let sink = folder.json("rig.json", &rig_with_sinks(["no/samples.jsonl", "b.jsonl"]));
    zerocat(&["run", &sink]).with_code(3).saying(&["no/samples.jsonl", "check that its folder exists"]);
}
