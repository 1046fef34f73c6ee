//! Protocol Buffers' wire format (protobuf.dev, "Encoding"), read in place.

/// Bytes that are not a Protocol Buffers message, and where that showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WireError(pub(super) &'static str);

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1: fixed64, double.
    Fixed64([u8; 8]),
    /// Wire type 2: text, bytes, message.
    Bytes(&'a [u8]),
    /// Wire type 5: fixed32, float.
    Fixed32,
}

/// The fields of a message, in the order of the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next field's number and value; `None` at the end. Not an iterator, so that `?` reads well at the call.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, WireError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let (head, tail) = self.0.split_first_chunk::<8>().ok_or(WireError("a 64-bit value is cut"))?;
                self.0 = tail;
                Value::Fixed64(*head)
            }
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| WireError("a length is too large"))?;
                let (head, tail) = self.0.split_at_checked(length).ok_or(WireError("a length points behind the end"))?;
                self.0 = tail;
                Value::Bytes(head)
            }
            5 => {
                self.0 = self.0.get(4..).ok_or(WireError("a 32-bit value is cut"))?;
                Value::Fixed32
            }
            _ => return Err(WireError("an unknown wire type")),
        };
        if key >> 3 == 0 { Err(WireError("field number zero")) } else { Ok(Some((key >> 3, value))) }
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        // Keys and lengths are below 128 nearly always.
        if let [first, rest @ ..] = self.0
            && *first < 0x80
        {
            self.0 = rest;
            return Ok(u64::from(*first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (at, byte) in self.0.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * at);
            if byte & 0x80 == 0 {
                self.0 = &self.0[at + 1..];
                return Ok(value);
            }
        }
        Err(WireError("a number is cut or longer than 64 bits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wire_type() {
        let mut fields = Fields(&[0x08, 0x96, 0x01, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x1a, 2, b'h', b'i', 0x25, 1, 2, 3, 4]);
        assert_eq!(fields.next(), Ok(Some((1, Value::Varint(150)))));
        assert_eq!(fields.next(), Ok(Some((2, Value::Fixed64(1.0_f64.to_le_bytes())))));
        assert_eq!(fields.next(), Ok(Some((3, Value::Bytes(b"hi")))));
        assert_eq!(fields.next(), Ok(Some((4, Value::Fixed32))));
        assert_eq!(fields.next(), Ok(None));
    }

    #[test]
    fn numbers_up_to_64_bits() {
        let mut largest = vec![0x08];
        largest.extend([0xff; 9]);
        assert!(Fields(&[&largest[..], &[0x01]].concat()).next().is_ok_and(|field| field == Some((1, Value::Varint(u64::MAX)))));
        assert!(Fields(&[&largest[..], &[0x02]].concat()).next().is_err(), "65 bits");
        assert!(Fields(&largest).next().is_err(), "cut");
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(Fields(&[0x0a, 3, b'h', b'i']).next(), Err(WireError("a length points behind the end")));
        assert_eq!(Fields(&[0x09, 0]).next(), Err(WireError("a 64-bit value is cut")));
        assert_eq!(Fields(&[0x0b]).next(), Err(WireError("an unknown wire type")));
        assert_eq!(Fields(&[0x00, 0x00]).next(), Err(WireError("field number zero")));
    }
}
