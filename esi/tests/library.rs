//! Which description of some folders is a device's, and what the others do to it.
#![allow(clippy::unwrap_used, reason = "a test fails there")]

use std::path::{Path, PathBuf};
use zerocat_esi::{Choice, Library, LibraryError, Wanted};

/// A folder that is removed at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("zerocat-esi-{name}-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).expect("a folder for temporary files");
        Self(folder)
    }

    fn file(&self, name: &str, devices: &str) -> &Self {
        let text = format!(
            "<EtherCATInfo>\n<Vendor><Id>#xabc</Id></Vendor>\n<Descriptions><Devices>\n{devices}\n</Devices></Descriptions></EtherCATInfo>"
        );
        self.raw(name, &text)
    }

    fn raw(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.0.join(name), text).expect("a file in it");
        self
    }

    fn library(&self) -> Library {
        Library::open(std::slice::from_ref(&self.0)).expect("descriptions")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn device(order: &str, revision: u32, more: &str) -> String {
    format!(
        "<Device Physics='YY'><Type ProductCode='#x10' RevisionNo='{revision}'>{order}</Type>{more}<Name>{order} in words</Name></Device>\n"
    )
}

const fn wanted(revision: u32) -> Wanted<'static> {
    Wanted { vendor: 0xabc, product: 0x10, revision, order: "A" }
}

/// Revision, how it was chosen, and the file.
fn found(library: &Library, revision: u32) -> (u32, Choice, String) {
    let chosen = library.find(wanted(revision)).expect("a description");
    let name = chosen.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    (chosen.revision, chosen.choice, name.to_owned())
}

#[test]
fn the_same_revision_is_taken_else_one_that_stands_for_it_else_the_newest_older_else_a_newer_one() {
    let folder = Folder::new("revisions");
    let hides = "<HideType ProductCode='#x10' RevisionNo='25'/>";
    let all = [device("A", 10, ""), device("A", 20, ""), device("A", 30, hides), device("A", 40, "")].concat();
    let library = folder.file("a.xml", &all).library();
    let chosen = |revision| {
        let (revision, choice, _) = found(&library, revision);
        (revision, choice)
    };
    assert_eq!(chosen(20), (20, Choice::Exact));
    assert_eq!(chosen(25), (30, Choice::StandsFor));
    assert_eq!(chosen(24), (20, Choice::Older));
    assert_eq!(chosen(99), (40, Choice::Older));
    assert_eq!(chosen(5), (10, Choice::Newer));
    assert_eq!(library.find(Wanted { product: 0x11, ..wanted(20) }), None);
    assert_eq!(library.find(Wanted { vendor: 2, ..wanted(20) }), None);
}

#[test]
fn of_equals_the_one_of_the_devices_own_name_is_taken_else_the_first_by_path() {
    let folder = Folder::new("equals");
    folder.file("b.xml", &device("B", 1, "")).file("c.xml", &[device("C", 1, ""), device("A", 1, "")].concat());
    folder.file("below/a.XML", &device("A", 2, ""));
    let library = folder.library();
    assert_eq!(found(&library, 1), (1, Choice::Exact, "c.xml".to_owned()));
    assert_eq!(found(&library, 2).2, "a.XML");
    let other = library.find(Wanted { order: "D", ..wanted(1) }).unwrap();
    assert_eq!((other.order.as_str(), other.path.ends_with("b.xml")), ("B", true));
    assert_eq!((library.files(), library.devices()), (3, 4));
}

#[test]
fn a_file_that_cant_be_read_leaves_the_others_and_is_told_once() {
    let folder = Folder::new("left-out");
    folder.file("good.xml", &device("A", 1, ""));
    folder.raw("notes.xml", "<html/>").raw("network.xml", "<EtherCATConfig/>").raw("text.txt", "no");
    folder.raw("modules.xml", "<EtherCATModule/>").raw("dictionary.xml", "<EtherCATDict/>");
    let whole = format!("<EtherCATInfo><Vendor><Id>1</Id></Vendor><Descriptions><Devices>{}", device("A", 1, ""));
    folder.raw("cut.xml", &format!("{whole}<Device><Type"));
    let library = folder.library();
    let told: Vec<String> =
        library.left_out().iter().map(|one| format!("{}: {}", one.path.display(), one.why)).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("cut.xml: line 2") && told[1].contains("network description (ENI)"), "{told:?}");
    assert_eq!(found(&library, 1).2, "good.xml");
    let cut = library.find(Wanted { vendor: 1, ..wanted(1) }).unwrap();
    assert!(cut.path.ends_with("cut.xml"), "what is before the end is there");
}

#[test]
fn a_description_is_read_when_it_is_asked_for_and_a_file_that_was_changed_is_refused() {
    let folder = Folder::new("changed");
    let mut library = folder.file("a.xml", &[device("B", 1, ""), device("A", 2, "")].concat()).library();
    let chosen = library.find(wanted(2)).unwrap();
    let read = library.read(&chosen, None).unwrap();
    assert_eq!((read.order.as_str(), read.name.as_str(), read.identity.vendor), ("A", "A in words", 0xabc));
    let mut library = folder.library();
    folder.file("a.xml", &device("A", 3, ""));
    let error = library.read(&chosen, None).unwrap_err().to_string();
    assert!(error.ends_with("a.xml was changed meanwhile"), "{error}");
}

#[test]
fn a_folder_that_isnt_there_or_has_none_is_an_error() {
    let folder = Folder::new("none");
    let open = |path: &Path| Library::open(&[path.to_owned()]);
    assert!(matches!(open(&folder.0), Err(LibraryError::Nothing(_))));
    assert!(matches!(open(&folder.0.join("nowhere")), Err(LibraryError::Read { .. })));
    folder.file("a.xml", &device("A", 1, ""));
    assert!(open(&folder.0.join("a.xml")).is_ok(), "a file alone");
}

#[test]
fn time_outs_are_read_and_0_says_nothing() {
    let folder = Folder::new("time-outs");
    let more = "<Info><Mailbox><Timeout><ResponseTimeout>3000</ResponseTimeout></Timeout></Mailbox><StateMachine><Timeout>\
                <PreopTimeout>4000</PreopTimeout><SafeopOpTimeout>0</SafeopOpTimeout></Timeout></StateMachine></Info>";
    let mut library = folder.file("a.xml", &device("A", 1, more)).library();
    let chosen = library.find(wanted(1)).unwrap();
    let times = library.read(&chosen, None).unwrap().timeouts;
    let seconds = |seconds| Some(std::time::Duration::from_secs(seconds));
    assert_eq!((times.pre_op, times.safe_op_and_op, times.mail), (seconds(4), None, seconds(3)));
}
