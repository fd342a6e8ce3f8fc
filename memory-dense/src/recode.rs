//! Codes along principal axes for all rows of an index: computed beside its changes, and adopted
//! in one go.

use std::io;
use std::sync::Arc;

use crate::arithmetic::squared_norm;
use crate::codes::ScanCodes;
use crate::kernel::Kernels;
use crate::principal_axes::{MAX_SAMPLE, PrincipalAxes};
use crate::row_format::RowFormat;
use crate::row_store::RowStore;
use crate::scan_quantizer::ScanQuantizer;
use crate::slab::{NONE, Slab};
use crate::vectors::ReadBuffer;

/// Number of vectors from which on axes are worth rotating every query: a scan of plain codes takes
/// two microseconds longer, which is what that takes.
const MIN_ROWS: usize = 4_096;

/// Factor by which an index grows until axes are computed anew.
const GROWTH: usize = 4;

/// New codes for the rows of an index; see [`crate::FrozenIndex::recode`].
pub struct NewCodes {
    /// Number of rows that the axes were computed for.
    n_rows: usize,
    quantizer: ScanQuantizer,
    /// Version and new codes of each slab; `None` if the codes stay as they are.
    slabs: Option<Vec<(u64, ScanCodes)>>,
}

/// Returns true if there are enough rows for axes to be computed, or computed anew.
pub(crate) fn is_due(rows: &RowStore) -> bool {
    rows.n_rows >= MIN_ROWS.max(rows.n_rows_at_axes.saturating_mul(GROWTH))
}

/// Computes codes along the principal axes of these rows, or plain ones where axes are not worth
/// it. `None` if a vector cannot be read, memory is short, or `keep_going` returns false.
pub(crate) fn recode(rows: &RowStore, keep_going: &dyn Fn() -> bool) -> Option<NewCodes> {
    let width = rows.format.width;
    let axes = PrincipalAxes::of(&sample(rows, keep_going)?, width, keep_going);
    let quantizer = axes.map_or_else(|| ScanQuantizer::plain(width), ScanQuantizer::along);
    // There may also be no axes because the search for them was given up.
    if keep_going() { recode_by(rows, quantizer, keep_going) } else { None }
}

/// Computes codes by that quantizer.
pub(crate) fn recode_by(
    rows: &RowStore,
    quantizer: ScanQuantizer,
    keep_going: &dyn Fn() -> bool,
) -> Option<NewCodes> {
    let format = RowFormat { scan_layout: quantizer.layout(), ..rows.format };
    if quantizer.axes().is_none() && format == rows.format {
        return Some(NewCodes { n_rows: rows.n_rows, quantizer, slabs: None });
    }
    let mut slabs = Vec::with_capacity(rows.slabs.len());
    for slab in &rows.slabs {
        if !keep_going() {
            return None;
        }
        let codes = scan_codes(slab, format, &quantizer, rows.kernels).ok()?;
        slabs.push((slab.version(), codes));
    }
    Some(NewCodes { n_rows: rows.n_rows, quantizer, slabs: Some(slabs) })
}

/// Returns some of the vectors, evenly spread, at norm 1.
pub(crate) fn sample(rows: &RowStore, keep_going: &dyn Fn() -> bool) -> Option<Vec<f32>> {
    let every = rows.n_rows.div_ceil(MAX_SAMPLE).max(1);
    let mut sample = Vec::with_capacity(rows.n_rows.div_ceil(every) * rows.format.width);
    let mut buffer = ReadBuffer::default();
    let places = rows.slabs.iter().flat_map(|slab| (0..slab.n_used()).map(move |row| (slab, row)));
    for (slab, row) in places.step_by(every) {
        if !keep_going() {
            return None;
        }
        let vector = slab.vector(row, &mut buffer).ok()?;
        let norm = squared_norm(vector).sqrt();
        if norm > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a sample need not be exact")]
            sample.extend(vector.iter().map(|value| (f64::from(*value) / norm) as f32));
        }
    }
    Some(sample)
}

/// Computes the scanned codes of a slab.
fn scan_codes(
    slab: &Slab,
    format: RowFormat,
    quantizer: &ScanQuantizer,
    kernels: &Kernels,
) -> io::Result<ScanCodes> {
    let mut codes = ScanCodes::new(format)?;
    let mut buffer = ReadBuffer::default();
    for row in 0..slab.n_used() {
        let padded = slab.vector(row, &mut buffer)?;
        let norm = squared_norm(padded).sqrt();
        codes.put(row, &quantizer.code(padded, norm, kernels), format);
    }
    Ok(codes)
}

impl NewCodes {
    /// Gives the rows these codes, and computes those of slabs that have changed since. Returns
    /// whether codes have changed. Errors, without effect: a vector cannot be read, or no memory.
    pub(crate) fn adopt(self, rows: &mut RowStore) -> io::Result<bool> {
        let Some(slabs) = self.slabs else {
            rows.n_rows_at_axes = self.n_rows;
            return Ok(false);
        };
        let format = RowFormat { scan_layout: self.quantizer.layout(), ..rows.format };
        let mut computed = slabs.into_iter();
        let mut ready = Vec::with_capacity(rows.slabs.len());
        for slab in &rows.slabs {
            ready.push(match computed.next() {
                Some((version, codes)) if version == slab.version() => codes,
                _ => scan_codes(slab, format, &self.quantizer, rows.kernels)?,
            });
        }
        for (number, codes) in ready.into_iter().enumerate() {
            let slot = u32::try_from(number * format.slab_rows()).unwrap_or(NONE);
            rows.place_mut(slot)?.0.replace_scan_codes(codes, format);
        }
        rows.n_rows_at_axes = self.n_rows;
        rows.format = format;
        rows.quantizer = Arc::new(self.quantizer);
        Ok(true)
    }
}
