//! SII images: nothing panics or loops, and what is read from the categories can be composed to an image and read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::sii::{
    Categories, CategoryType, ClockMode, Composer, Fixed, FmmuUsage, General, Pdo, PdoEntry, Pdos, Strings,
    SyncManagerEntry, fixed,
};

fuzz_target!(|image: &[u8]| {
    let walked: Vec<_> = Categories::new(image).collect();
    assert!(walked.len() <= image.len() / 4 + 1);
    for category in walked.iter().flatten() {
        for number in 0..=255 {
            let _ = Strings::new(category.data).get(number);
        }
    }
    let Ok(read) = Fixed::parse(image) else { return };
    let mut buffer = vec![0; 2 * image.len() + 4096];
    let mut composer = Composer::new(&mut buffer, &read).expect("the buffer takes the fixed area");
    for category in walked.iter().flatten() {
        copy(&mut composer, category.kind, category.data);
    }
    let end = composer.finish().expect("the buffer takes the end");
    let composed = &buffer[..end];
    let checksum = fixed::checksum(composed).expect("the fixed area is there");
    assert_eq!(Fixed::parse(composed), Ok(Fixed { checksum, ..read }));
    let again: Vec<_> = Categories::new(composed).map(|category| category.expect("composed whole")).collect();
    assert_eq!(again.len(), walked.iter().flatten().count());
    for (again, first) in again.iter().zip(walked.iter().flatten()) {
        assert_eq!(again.kind, first.kind);
        same(first.kind, again.data, first.data);
    }
});

fn copy(composer: &mut Composer<'_>, kind: CategoryType, data: &[u8]) {
    let done = match kind {
        CategoryType::GENERAL => match General::parse(data) {
            Ok(general) => composer.general(&general),
            Err(_) => composer.category(kind, data),
        },
        CategoryType::FMMU => composer.fmmus(&FmmuUsage::walk(data).collect::<Vec<_>>()),
        CategoryType::SYNC_MANAGER => composer.sync_managers(&SyncManagerEntry::walk(data).collect::<Vec<_>>()),
        CategoryType::CLOCK => composer.clocks(&ClockMode::walk(data).collect::<Vec<_>>()),
        CategoryType::TX_PDO | CategoryType::RX_PDO => {
            let pdos = pdos(data);
            composer.pdos(kind, pdos.iter().map(|(pdo, entries)| (*pdo, entries.as_slice())))
        }
        _ => composer.category(kind, data),
    };
    done.expect("the buffer takes the category");
}

fn pdos(data: &[u8]) -> Vec<(Pdo, Vec<PdoEntry>)> {
    Pdos::new(data).flatten().map(|pdo| (pdo.header(), pdo.entries().collect())).collect()
}

fn same(kind: CategoryType, again: &[u8], first: &[u8]) {
    match kind {
        CategoryType::GENERAL => {
            if let Ok(general) = General::parse(first) {
                assert_eq!(General::parse(again), Ok(general));
            }
        }
        CategoryType::FMMU => assert!(FmmuUsage::walk(again).eq(FmmuUsage::walk(first))),
        CategoryType::SYNC_MANAGER => assert!(SyncManagerEntry::walk(again).eq(SyncManagerEntry::walk(first))),
        CategoryType::CLOCK => assert!(ClockMode::walk(again).eq(ClockMode::walk(first))),
        CategoryType::TX_PDO | CategoryType::RX_PDO => assert_eq!(pdos(again), pdos(first)),
        _ => assert_eq!(again, first),
    }
}
