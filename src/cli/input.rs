//! Input of the tools on files: plain, gzip or zstd, or stdin.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;

/// Opens a file, or stdin for `-`. What it is compressed with shows in its first bytes.
pub(super) fn open(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?)
    };
    let mut reader = BufReader::with_capacity(1 << 16, raw);
    let begin = reader.fill_buf().with_context(|| format!("{} cannot be read", file.display()))?;
    let (is_gzip, is_zstd) = (begin.starts_with(&[0x1f, 0x8b]), begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    if is_gzip {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(reader))));
    }
    if is_zstd {
        let decoder = zstd::stream::read::Decoder::with_buffer(reader).context("the zstd stream cannot be read")?;
        return Ok(Box::new(BufReader::new(decoder)));
    }
    Ok(Box::new(reader))
}
