//! A picture of pixels that can be drawn on, and written as PNG.

use std::convert::Infallible;
use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use font8x8::UnicodeFonts;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

/// Side of a letter before it is enlarged, in pixels.
const LETTER: u32 = 8;

/// Bytes of a pixel.
const N_CHANNELS: usize = 3;

/// Pixels in rows from the top, red, green and blue.
pub(super) struct Canvas<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: &'a mut [u8],
}

impl Canvas<'_> {
    fn blend(&mut self, (x, y): BackendCoord, color: BackendColor) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        if x >= self.width || y >= self.height {
            return;
        }
        let at = (y as usize * self.width as usize + x as usize) * N_CHANNELS;
        let Some(pixel) = self.pixels.get_mut(at..at + N_CHANNELS) else { return };
        let (red, green, blue) = color.rgb;
        for (old, new) in pixel.iter_mut().zip([red, green, blue]) {
            let mixed = f64::from(*old) + (f64::from(new) - f64::from(*old)) * color.alpha;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a byte")]
            let mixed = mixed.round().clamp(0.0, 255.0) as u8;
            *old = mixed;
        }
    }
}

/// Returns by how much letters are enlarged for a size of text.
fn scale(size: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
    let scale = (size / f64::from(LETTER)).round().clamp(1.0, 8.0) as u32;
    scale
}

fn width_of(text: &str, scale: u32) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX).saturating_mul(LETTER * scale)
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        point: BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.blend(point, color);
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let scale = scale(style.size());
        Ok((width_of(text, scale), LETTER * scale))
    }

    /// Draws text in letters of 8 × 8 pixels: a font of outlines would be larger than the program.
    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let scale = scale(style.size());
        let (width, height) = (width_of(text, scale), LETTER * scale);
        let [width, height] = [width, height].map(|side| i32::try_from(side).unwrap_or(0));
        let anchor = style.anchor();
        let left = match anchor.h_pos {
            HPos::Left => x,
            HPos::Center => x - width / 2,
            HPos::Right => x - width,
        };
        let top = match anchor.v_pos {
            VPos::Top => y,
            VPos::Center => y - height / 2,
            VPos::Bottom => y - height,
        };
        let side = i32::try_from(scale).unwrap_or(1);
        for (letter, no) in text.chars().zip(0_i32..) {
            let glyph =
                font8x8::BASIC_FONTS.get(letter).or_else(|| font8x8::LATIN_FONTS.get(letter));
            for (row, dy) in glyph.unwrap_or_default().into_iter().zip(0_i32..) {
                for dx in (0..8_i32).filter(|dx| row >> dx & 1 == 1) {
                    for inner in 0..side * side {
                        let px = left + (no * 8 + dx) * side + inner % side;
                        self.blend((px, top + dy * side + inner / side), style.color());
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns pixels as a PNG file.
pub(super) fn png(width: u32, height: u32, pixels: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in pixels.chunks(width as usize * N_CHANNELS) {
        // No filter.
        rows.write_all(&[0])?;
        rows.write_all(row)?;
    }
    let mut head = Vec::new();
    head.extend(width.to_be_bytes());
    head.extend(height.to_be_bytes());
    // Eight bits, true colour, and the one way of everything else.
    head.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, body) in [(b"IHDR", head), (b"IDAT", rows.finish()?), (b"IEND", Vec::new())] {
        file.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        let mut sum = Crc::new();
        sum.update(kind);
        sum.update(&body);
        file.extend(kind);
        file.extend(body);
        file.extend(sum.sum().to_be_bytes());
    }
    Ok(file)
}
