//! CoE services: what is parsed can be emitted, and parses to the same value again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zerocat_wire::coe::{
    Emergency, EntryAnswer, EntryQuery, InfoError, ListAnswer, ObjectAnswer, ObjectQuery, SdoRequest, SdoResponse, info,
};

fuzz_target!(|bytes: &[u8]| {
    let mut room = vec![0; bytes.len() + 16];
    if let Ok(request) = SdoRequest::parse(bytes) {
        let len = request.emit(&mut room).expect("a parsed request can be emitted");
        assert_eq!(SdoRequest::parse(&room[..len]), Ok(request));
    }
    if let Ok(response) = SdoResponse::parse(bytes) {
        let len = response.emit(&mut room).expect("a parsed response can be emitted");
        assert_eq!(SdoResponse::parse(&room[..len]), Ok(response));
    }
    if let Ok(emergency) = Emergency::parse(bytes) {
        let len = emergency.emit(&mut room).expect("a parsed emergency can be emitted");
        assert_eq!(room[..len], bytes[..len]);
    }
    information(bytes, &mut room);
});

fn information(bytes: &[u8], room: &mut [u8]) {
    let behind = info::HEADER_LEN;
    if let Ok(list) = ListAnswer::parse(bytes) {
        let len = ListAnswer::emit(list.kind, list.words(), room).expect("a parsed list can be emitted");
        assert_eq!(room[..len], bytes[..len]);
    }
    if let Ok(object) = ObjectAnswer::parse(bytes) {
        let len = object.emit(room).expect("a parsed description can be emitted");
        assert_eq!(&room[behind..len], bytes);
    }
    if let Ok(entry) = EntryAnswer::parse(bytes) {
        let _ = entry.name();
        let len = entry.emit(room).expect("a parsed description can be emitted");
        assert_eq!(&room[behind..len], bytes);
    }
    if let Ok(query) = ObjectQuery::parse(bytes) {
        let len = query.emit(room).expect("a parsed query can be emitted");
        assert_eq!(ObjectQuery::parse(&room[behind..len]), Ok(query));
    }
    if let Ok(query) = EntryQuery::parse(bytes) {
        let len = query.emit(room).expect("a parsed query can be emitted");
        assert_eq!(EntryQuery::parse(&room[behind..len]), Ok(query));
    }
    if let Ok(error) = InfoError::parse(bytes) {
        let len = error.emit(room).expect("a parsed error can be emitted");
        assert_eq!(InfoError::parse(&room[behind..len]), Ok(error));
    }
}
