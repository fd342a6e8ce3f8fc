//! Files as they are, or packed by gzip or Zstandard: their first bytes say which.
//!
//! A stream in every case: what is held is a buffer and the window of the packer. Damage is an
//! error at the place where it is met; what came before it was read.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// First bytes of every gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// First bytes of every Zstandard file.
const ZSTANDARD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Largest window of a Zstandard file, in bytes. Levels up to 19 have 8 MiB at most; only `--ultra`
/// and `--long` have more.
const MAX_WINDOW_BYTES: u64 = 32 << 20;

/// Returns the content of a file.
pub(crate) fn unpacked<'f>(
    file: impl Read + 'f,
    buffer_bytes: usize,
) -> io::Result<Box<dyn BufRead + 'f>> {
    let mut raw = BufReader::with_capacity(buffer_bytes, file);
    let head = raw.fill_buf()?;
    Ok(if head.starts_with(GZIP) {
        Box::new(BufReader::with_capacity(buffer_bytes, Members(MultiGzDecoder::new(raw))))
    } else if head.starts_with(ZSTANDARD) {
        Box::new(BufReader::with_capacity(buffer_bytes, Frames::new(raw)))
    } else {
        Box::new(raw)
    })
}

/// The members of a gzip file, one after the other.
struct Members<R>(MultiGzDecoder<R>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| damaged("gzip", &error))
    }
}

/// The frames of a Zstandard file, one after the other.
struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW_BYTES);
        Self { source, decoder, is_in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.is_in_frame = true;
                    return Ok(true);
                }
                // A frame without content, for the programs that wrote it.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = self.source.by_ref().take(length.into());
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(damaged("Zstandard", &error)),
            }
        }
        Ok(false)
    }

    /// Ends the frame: its content has the sum that is written behind it.
    fn end(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        match (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum()) {
            (Some(told), Some(found)) if told != found => {
                Err(damaged("Zstandard", &"the checksum is another one"))
            }
            _ => Ok(()),
        }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_in_frame && !self.begin()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder
                    .decode_blocks(&mut self.source, one)
                    .map_err(|e| damaged("Zstandard", &e))?;
            }
            let n_bytes = self.decoder.read(buffer)?;
            if n_bytes > 0 || buffer.is_empty() {
                return Ok(n_bytes);
            }
            self.end()?;
        }
    }
}

fn damaged(packing: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, format!("damaged {packing} data: {reason}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn content(file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        unpacked(file, 512)?.read_to_end(&mut content).map(|_| content)
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    #[test]
    fn frames_of_zstandard_follow_each_other_and_those_without_content_are_passed_over() {
        let long = b"one line of many\n".repeat(40_000);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let file = [packed(&long), skipped, packed(b""), packed(b"end")].concat();
        assert_eq!(content(&file).unwrap(), [&long[..], b"end"].concat());
    }

    #[test]
    fn a_file_that_is_not_packed_stays_as_it_is() {
        for text in [&b""[..], b"{}", b"\x1f", b"\x28\xb5", b"(\xb5\x2f"] {
            assert_eq!(content(text).unwrap(), text);
        }
    }

    #[test]
    fn damage_is_an_error_that_names_it() {
        let whole = packed(&b"one line of many\n".repeat(40));
        let mut wide = whole.clone();
        // A frame of many segments with a window of a gigabyte.
        wide.splice(4..6, [0x00, 0xa0]);
        let cut = whole[..whole.len() - 5].to_vec();
        for file in [cut, wide] {
            let error = content(&file).unwrap_err();
            assert!(error.to_string().contains("damaged Zstandard data"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            text in prop::collection::vec(0_u8..4, 0..900),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut file = packed(&text);
            prop_assert_eq!(content(&file).unwrap(), text);
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            drop(content(&file));
        }
    }
}
