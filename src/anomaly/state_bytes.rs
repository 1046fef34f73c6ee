//! The byte form of saved state: little-endian numbers behind a kind byte and a version byte.

/// Why saved state could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes end too early.
    #[error("the saved detector state ends after {0} bytes: it was cut off, start the series afresh")]
    TooShort(usize),
    /// The bytes are of something else.
    #[error("the bytes are no saved state of this kind (they begin with {found}, expected {expected}): start the series afresh")]
    Foreign {
        /// The kind byte that was found.
        found: u8,
        /// The kind byte of this state.
        expected: u8,
    },
    /// Another version of the program wrote them.
    #[error("the saved detector state has version {found}, this program reads version {expected}: start the series afresh")]
    Version {
        /// The version that was found.
        found: u8,
        /// The version that can be read.
        expected: u8,
    },
    /// A number is out of its range.
    #[error("the saved detector state is damaged at the {0}: start the series afresh")]
    Damaged(&'static str),
    /// More bytes than the state has.
    #[error("the saved detector state has {0} bytes too many: start the series afresh")]
    TooLong(usize),
}

/// Appends numbers.
#[derive(Debug)]
pub(super) struct StateWriter(Vec<u8>);

impl StateWriter {
    pub(super) fn new(kind: u8, version: u8) -> Self {
        Self(vec![kind, version])
    }

    pub(super) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(super) fn u16(&mut self, number: u16) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn i32(&mut self, number: i32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn i64(&mut self, number: i64) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn f32(&mut self, number: f32) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn f64(&mut self, number: f64) {
        self.0.extend(number.to_le_bytes());
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Takes numbers off the front.
#[derive(Debug)]
pub(super) struct StateReader<'a> {
    bytes: &'a [u8],
    whole: usize,
}

impl<'a> StateReader<'a> {
    /// Checks kind and version.
    pub(super) fn open(bytes: &'a [u8], kind: u8, version: u8) -> Result<Self, StateError> {
        let mut reader = Self { bytes, whole: bytes.len() };
        let found = reader.u8()?;
        if found != kind {
            return Err(StateError::Foreign { found, expected: kind });
        }
        let found = reader.u8()?;
        if found != version {
            return Err(StateError::Version { found, expected: version });
        }
        Ok(reader)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let (front, rest) = self.bytes.split_first_chunk::<N>().ok_or(StateError::TooShort(self.whole))?;
        self.bytes = rest;
        Ok(*front)
    }

    pub(super) fn u8(&mut self) -> Result<u8, StateError> {
        self.take().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, StateError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, StateError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, StateError> {
        self.take().map(i32::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, StateError> {
        self.take().map(i64::from_le_bytes)
    }

    /// A finite number: not a number would spread to every later score.
    pub(super) fn f32(&mut self) -> Result<f32, StateError> {
        let number = self.take().map(f32::from_le_bytes)?;
        if number.is_finite() { Ok(number) } else { Err(StateError::Damaged("numbers")) }
    }

    /// A finite number.
    pub(super) fn f64(&mut self) -> Result<f64, StateError> {
        let number = self.take().map(f64::from_le_bytes)?;
        if number.is_finite() { Ok(number) } else { Err(StateError::Damaged("numbers")) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Refuses left-over bytes.
    pub(super) fn close(self) -> Result<(), StateError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(StateError::TooLong(self.bytes.len())) }
    }
}
