//! One parsed log event, borrowing from the bytes it came in.

use std::borrow::Cow;

use crate::clock::TimestampUs;

/// A named value beside the message: a structured-data parameter (RFC 5424, section 6.3) or a field of a JSON line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The structured-data element's SD-ID; empty for everything that is not structured data.
    pub namespace: Cow<'a, str>,
    /// The parameter's or field's name; empty for an SD-ELEMENT without parameters.
    pub name: Cow<'a, str>,
    /// The value, with escapes resolved.
    pub value: Cow<'a, str>,
}

/// One log event. Absent means that the line did not say; nothing is guessed here.
///
/// Text borrows from the frame wherever the bytes stand there as they are meant, so that building columns needs no copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRecord<'a> {
    /// Event time, µs UTC; `None` where the line gives none (the row then takes the time of receipt).
    pub timestamp_us: Option<TimestampUs>,
    /// Syslog facility code, 0 to 23.
    pub facility: Option<u8>,
    /// Syslog severity code, 0 (emergency) to 7 (debug).
    pub severity: Option<u8>,
    /// The sender's name or address as the line states it.
    pub host: Option<Cow<'a, str>>,
    /// APP-NAME (RFC 5424) or the tag without its process id (RFC 3164).
    pub app: Option<Cow<'a, str>>,
    /// PROCID: usually a number, but free text by the standard.
    pub pid: Option<Cow<'a, str>>,
    /// MSGID, or the vendor's mnemonic (`LINK-3-UPDOWN`, `ASA-6-302013`).
    pub msgid: Option<Cow<'a, str>>,
    /// The message itself, after every header.
    pub message: Cow<'a, str>,
    /// Structured data and further fields, in the order of the line.
    pub attributes: Vec<Attribute<'a>>,
    /// Why no grammar took the whole line; the row then keeps the bytes in `raw`.
    pub parse_error: Option<Cow<'static, str>>,
    /// The grammar that took it: `rfc5424`, `rfc3164`, `cisco_ios`, ..., `json`, `plain`.
    pub dialect: &'static str,
    /// The text is not what was sent, byte for byte (invalid UTF-8, cut for length): `raw` keeps the bytes.
    pub lossy: bool,
}
