//! CoE services on literal bytes. The whole mails were captured from real SubDevices (EK1914, EL3004).
#![allow(clippy::unwrap_used, reason = "a test")]

use zerocat_wire::coe::{
    self, AbortCode, CoeHeader, CoeService, EntryAnswer, EntryQuery, InfoError, InfoHeader, InfoOp, ListAnswer,
    ListQuery, ListType, ObjectAnswer, ObjectCode, ObjectQuery, SdoAbort, SdoInitiate, SdoRequest, SdoResponse,
    SdoSegment, SdoTarget, describe,
};
use zerocat_wire::{MailboxType, WireError, mailbox};

fn request_body(mail: &[u8]) -> &[u8] {
    let (header, body) = mailbox::open(mail).unwrap();
    assert_eq!(header.kind, MailboxType::Coe);
    let (header, rest) = CoeHeader::parse(body).unwrap();
    assert_eq!(header.service, CoeService::SdoRequest);
    rest
}

fn response_body(mail: &[u8]) -> &[u8] {
    let (_, body) = mailbox::open(mail).unwrap();
    let (header, rest) = CoeHeader::parse(body).unwrap();
    assert_eq!(header.service, CoeService::SdoResponse);
    rest
}

fn sends(counter: u8, request: &SdoRequest<'_>, bytes: &[u8]) {
    let mut mail = [0xee; 64];
    let len = coe::emit(&mut mail, counter, CoeService::SdoRequest, |room| request.emit(room)).unwrap();
    assert_eq!(&mail[..len], bytes);
    assert_eq!(SdoRequest::parse(request_body(bytes)), Ok(*request));
}

fn answers(counter: u8, response: &SdoResponse<'_>, bytes: &[u8]) {
    let mut mail = [0xee; 64];
    let len = coe::emit(&mut mail, counter, CoeService::SdoResponse, |room| response.emit(room)).unwrap();
    assert_eq!(&mail[..len], bytes);
    assert_eq!(SdoResponse::parse(response_body(bytes)), Ok(*response));
}

#[test]
fn expedited_download_of_one_two_and_four_bytes() {
    let target = SdoTarget::entry(0x1c12, 0);
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x20, 0x2f, 0x12, 0x1c, 0x00, 0x00, 0, 0, 0];
    sends(1, &SdoRequest::Download(SdoInitiate::Expedited { target, data: &[0] }), &bytes);
    let target = SdoTarget::entry(0x1c13, 1);
    let bytes = [0x0a, 0, 0, 0, 0, 0x33, 0x00, 0x20, 0x2b, 0x13, 0x1c, 0x01, 0x00, 0x1a, 0, 0];
    sends(3, &SdoRequest::Download(SdoInitiate::Expedited { target, data: &[0x00, 0x1a] }), &bytes);
    let target = SdoTarget::entry(0xf008, 0);
    let bytes = [0x0a, 0, 0, 0, 0, 0x23, 0x00, 0x20, 0x23, 0x08, 0xf0, 0x00, 0x01, 0, 0, 0];
    sends(2, &SdoRequest::Download(SdoInitiate::Expedited { target, data: &[1, 0, 0, 0] }), &bytes);
}

#[test]
fn a_download_is_taken() {
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x60, 0x12, 0x1c, 0x00, 0, 0, 0, 0];
    answers(1, &SdoResponse::Download { target: SdoTarget::entry(0x1c12, 0) }, &bytes);
    // An EL3004 echoes the value in bytes that are reserved.
    let echo = [0x60, 0x13, 0x1c, 0x01, 0x00, 0x1a, 0, 0];
    assert_eq!(SdoResponse::parse(&echo), Ok(SdoResponse::Download { target: SdoTarget::entry(0x1c13, 1) }));
}

#[test]
fn expedited_upload_of_the_vendor() {
    let target = SdoTarget::entry(0x1018, 1);
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x20, 0x40, 0x18, 0x10, 0x01, 0, 0, 0, 0];
    sends(1, &SdoRequest::Upload { target }, &bytes);
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x43, 0x18, 0x10, 0x01, 0x02, 0, 0, 0];
    answers(1, &SdoResponse::Upload(SdoInitiate::Expedited { target, data: &[2, 0, 0, 0] }), &bytes);
}

#[test]
fn expedited_upload_of_one_and_two_bytes_and_of_a_length_not_said() {
    let bytes = [0x0a, 0, 0, 0, 0, 0x53, 0x00, 0x30, 0x4f, 0x13, 0x1c, 0x00, 0x04, 0, 0, 0];
    answers(
        5,
        &SdoResponse::Upload(SdoInitiate::Expedited { target: SdoTarget::entry(0x1c13, 0), data: &[4] }),
        &bytes,
    );
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x4b, 0x0a, 0x10, 0x00, 0x30, 0x38, 0, 0];
    answers(
        1,
        &SdoResponse::Upload(SdoInitiate::Expedited { target: SdoTarget::entry(0x100a, 0), data: b"08" }),
        &bytes,
    );
    let unsized_ = [0x42, 0x0a, 0x10, 0x00, 1, 2, 3, 4];
    let target = SdoTarget::entry(0x100a, 0);
    assert_eq!(
        SdoResponse::parse(&unsized_),
        Ok(SdoResponse::Upload(SdoInitiate::Expedited { target, data: &[1, 2, 3, 4] }))
    );
}

#[test]
fn normal_upload_of_the_device_name() {
    let bytes =
        [0x10, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x41, 0x08, 0x10, 0x00, 0x06, 0, 0, 0, b'E', b'K', b'1', b'9', b'1', b'4'];
    let target = SdoTarget::entry(0x1008, 0);
    answers(1, &SdoResponse::Upload(SdoInitiate::Normal { target, size: 6, data: b"EK1914" }), &bytes);
}

#[test]
fn bytes_behind_the_size_of_a_normal_upload_are_padding() {
    let bytes = [0x41, 0x08, 0x10, 0x00, 2, 0, 0, 0, b'o', b'k', 0, 0];
    let target = SdoTarget::entry(0x1008, 0);
    assert_eq!(
        SdoResponse::parse(&bytes),
        Ok(SdoResponse::Upload(SdoInitiate::Normal { target, size: 2, data: b"ok" }))
    );
}

#[test]
fn complete_access_sets_bit_4() {
    let target = SdoTarget::complete(0x1c12);
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x20, 0x50, 0x12, 0x1c, 0x00, 0, 0, 0, 0];
    sends(1, &SdoRequest::Upload { target }, &bytes);
    let bytes =
        [0x10, 0, 0, 0, 0, 0x23, 0x00, 0x20, 0x31, 0x12, 0x1c, 0x00, 6, 0, 0, 0, 0x02, 0x00, 0x00, 0x16, 0x01, 0x16];
    let data = [0x02, 0x00, 0x00, 0x16, 0x01, 0x16];
    sends(2, &SdoRequest::Download(SdoInitiate::Normal { target, size: 6, data: &data }), &bytes);
}

#[test]
fn a_segment_of_less_than_seven_bytes_is_padded() {
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x20, 0x19, 1, 2, 3, 0, 0, 0, 0];
    sends(1, &SdoRequest::DownloadSegment(SdoSegment { toggle: true, last: true, data: &[1, 2, 3] }), &bytes);
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x0f, 0, 0, 0, 0, 0, 0, 0];
    answers(1, &SdoResponse::UploadSegment(SdoSegment { toggle: false, last: true, data: &[] }), &bytes);
}

#[test]
fn a_segment_of_seven_bytes_or_more_is_not() {
    let bytes = [0x0a, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x00, 1, 2, 3, 4, 5, 6, 7];
    answers(
        1,
        &SdoResponse::UploadSegment(SdoSegment { toggle: false, last: false, data: &[1, 2, 3, 4, 5, 6, 7] }),
        &bytes,
    );
    let bytes = [0x0b, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x11, 1, 2, 3, 4, 5, 6, 7, 8];
    answers(
        1,
        &SdoResponse::UploadSegment(SdoSegment { toggle: true, last: true, data: &[1, 2, 3, 4, 5, 6, 7, 8] }),
        &bytes,
    );
    // A device that doesn't pad a short segment.
    let short = [0x09, 1, 2, 3];
    let expected = SdoResponse::UploadSegment(SdoSegment { toggle: false, last: true, data: &[1, 2, 3] });
    assert_eq!(SdoResponse::parse(&short), Ok(expected));
}

#[test]
fn segments_are_asked_for_and_taken_with_their_toggle() {
    let bytes = [0x0a, 0, 0, 0, 0, 0x43, 0x00, 0x20, 0x70, 0, 0, 0, 0, 0, 0, 0];
    sends(4, &SdoRequest::UploadSegment { toggle: true }, &bytes);
    let bytes = [0x0a, 0, 0, 0, 0, 0x43, 0x00, 0x30, 0x30, 0, 0, 0, 0, 0, 0, 0];
    answers(4, &SdoResponse::DownloadSegment { toggle: true }, &bytes);
    assert_eq!(SdoResponse::parse(&[0x20]), Ok(SdoResponse::DownloadSegment { toggle: false }));
}

#[test]
fn an_abort_is_read_from_either_side() {
    let target = SdoTarget::entry(0x1c13, 0);
    let body = [0x80, 0x13, 0x1c, 0x00, 0x00, 0x00, 0x02, 0x06];
    let code = AbortCode::NO_SUCH_OBJECT;
    assert_eq!(SdoResponse::parse(&body), Ok(SdoResponse::Abort(SdoAbort { target, code })));
    assert_eq!(SdoRequest::parse(&body), Ok(SdoRequest::Abort(SdoAbort { target, code })));
    let mut emitted = [0xee; 8];
    assert_eq!(SdoResponse::Abort(SdoAbort { target, code }).emit(&mut emitted), Ok(8));
    assert_eq!(emitted, body);
}

#[test]
fn what_is_no_service_is_refused() {
    for command in [0xa0, 0xc0, 0xe0] {
        let body = [command, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(SdoRequest::parse(&body), Err(WireError::BadValue(command.into())));
        assert_eq!(SdoResponse::parse(&body), Err(WireError::BadValue(command.into())));
    }
    assert!(SdoResponse::parse(&[]).is_err());
    assert!(SdoResponse::parse(&[0x43, 0x18, 0x10, 0x01, 2, 0, 0]).is_err());
    assert!(SdoResponse::parse(&[0x41, 0x18, 0x10, 0x01, 2, 0, 0]).is_err());
}

#[test]
fn what_contradicts_itself_is_not_emitted() {
    let target = SdoTarget::entry(0x2000, 1);
    let mut room = [0; 16];
    let emit = |request: SdoRequest<'_>, room: &mut [u8]| request.emit(room);
    assert_eq!(
        emit(SdoRequest::Download(SdoInitiate::Expedited { target, data: &[] }), &mut room),
        Err(WireError::BadLength)
    );
    assert_eq!(
        emit(SdoRequest::Download(SdoInitiate::Expedited { target, data: &[0; 5] }), &mut room),
        Err(WireError::BadLength)
    );
    assert_eq!(
        emit(SdoRequest::Download(SdoInitiate::Normal { target, size: 1, data: &[0; 2] }), &mut room),
        Err(WireError::BadLength)
    );
    assert_eq!(
        emit(SdoRequest::Download(SdoInitiate::Normal { target, size: 9, data: &[0; 9] }), &mut room),
        Err(WireError::NoRoom)
    );
    assert_eq!(emit(SdoRequest::Upload { target }, &mut room[..7]), Err(WireError::NoRoom));
    let segment = SdoRequest::DownloadSegment(SdoSegment { toggle: false, last: true, data: &[1] });
    assert_eq!(emit(segment, &mut room[..7]), Err(WireError::NoRoom));
}

#[test]
fn a_list_is_asked_for_and_answered() {
    let mut bytes = [0xee; 12];
    assert_eq!(ListQuery(ListType::All).emit(&mut bytes), Ok(6));
    assert_eq!(bytes[..6], [0x01, 0, 0, 0, 0x01, 0]);
    let (header, rest) = InfoHeader::parse(&bytes[..6]).unwrap();
    assert_eq!(header, InfoHeader::new(InfoOp::ListRequest));
    assert_eq!(ListQuery::parse(rest), Ok(ListQuery(ListType::All)));
    assert_eq!(ListQuery::parse(&[6, 0]), Err(WireError::BadValue(6)));

    assert_eq!(ListAnswer::emit(ListType::All, [0x1000, 0x1018], &mut bytes), Ok(6));
    assert_eq!(bytes[..6], [0x01, 0x00, 0x00, 0x10, 0x18, 0x10]);
    let answer = ListAnswer::parse(&bytes[..6]).unwrap();
    assert_eq!(answer.words().collect::<Vec<_>>(), [0x1000, 0x1018]);
    assert_eq!(ListAnswer::emit(ListType::All, [1, 2], &mut bytes[..5]), Err(WireError::NoRoom));
}

#[test]
fn a_fragment_says_how_many_follow() {
    let bytes = [0x82, 0x00, 0x03, 0x00, 0x01, 0x00];
    let (header, rest) = InfoHeader::parse(&bytes).unwrap();
    assert_eq!(header, InfoHeader { op: InfoOp::ListResponse, incomplete: true, fragments_left: 3 });
    assert_eq!((header.emit().as_slice(), rest), (&bytes[..4], &bytes[4..]));
    assert_eq!(InfoHeader::parse(&[0x08, 0, 0, 0]), Err(WireError::BadValue(8)));
    assert!(InfoHeader::parse(&bytes[..3]).is_err());
}

#[test]
fn an_object_is_described() {
    let mut bytes = [0xee; 18];
    assert_eq!(ObjectQuery { index: 0x1018 }.emit(&mut bytes), Ok(6));
    assert_eq!(bytes[..6], [0x03, 0, 0, 0, 0x18, 0x10]);
    assert_eq!(ObjectQuery::parse(&bytes[4..6]), Ok(ObjectQuery { index: 0x1018 }));
    let answer =
        ObjectAnswer { index: 0x1018, data_type: 0x23, max_subindex: 4, code: ObjectCode::Record, name: b"Identity" };
    assert_eq!(answer.emit(&mut bytes), Ok(18));
    assert_eq!(bytes[..10], [0x04, 0, 0, 0, 0x18, 0x10, 0x23, 0x00, 0x04, 0x09]);
    assert_eq!(ObjectAnswer::parse(&bytes[4..]), Ok(answer));
    assert_eq!(answer.emit(&mut bytes[..17]), Err(WireError::NoRoom));
}

#[test]
fn an_entry_is_described_with_its_name_behind_its_values() {
    let mut bytes = [0xee; 32];
    let query = EntryQuery { index: 0x1018, subindex: 1, value_info: describe::value_info::DEFAULT };
    assert_eq!(query.emit(&mut bytes), Ok(8));
    assert_eq!(bytes[..8], [0x05, 0, 0, 0, 0x18, 0x10, 0x01, 0x10]);
    assert_eq!(EntryQuery::parse(&bytes[4..8]), Ok(query));
    let answer = EntryAnswer {
        index: 0x1018,
        subindex: 1,
        value_info: describe::value_info::DEFAULT,
        data_type: 7,
        bit_length: 32,
        access: describe::access::READ,
        data: b"\x02\x00\x00\x00Vendor ID",
    };
    assert_eq!(answer.emit(&mut bytes), Ok(27));
    assert_eq!(bytes[..14], [0x06, 0, 0, 0, 0x18, 0x10, 0x01, 0x10, 0x07, 0x00, 0x20, 0x00, 0x07, 0x00]);
    assert_eq!(EntryAnswer::parse(&bytes[4..27]), Ok(answer));
    assert_eq!(answer.name(), b"Vendor ID");
}

#[test]
fn a_failed_query_says_why() {
    let mut bytes = [0xee; 8];
    assert_eq!(InfoError(AbortCode::NO_SUCH_OBJECT).emit(&mut bytes), Ok(8));
    assert_eq!(bytes, [0x07, 0, 0, 0, 0x00, 0x00, 0x02, 0x06]);
    assert_eq!(InfoError::parse(&bytes[4..]), Ok(InfoError(AbortCode::NO_SUCH_OBJECT)));
}
