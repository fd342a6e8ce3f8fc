//! Axes for the codes of an index: looked for beside its changes, and taken over in one go.

use super::Dense;
use super::axes::{Axes, SAMPLE};
use super::coarse::Coder;
use super::codes::Coarse;
use super::coding::Frozen;
use super::kernel::{self, Kernels};
use super::quantise::{Shape, square};
use super::rows::Buffer;
use super::slab::{NONE, Slab};
use std::io;
use std::sync::Arc;

/// How many vectors make axes worth turning every query: a scan of plain codes takes two microseconds longer,
/// which is what that takes.
const AXES_FROM: usize = 4_096;

/// By how much an index grows until axes are looked for anew.
const GROWTH: usize = 4;

/// What came of looking for axes.
pub(in crate::index) struct Recoded {
    sought_for: usize,
    coder: Coder,
    /// Version and new codes of each slab, as it was; none if the codes stay as they are.
    slabs: Option<Vec<(u64, Coarse)>>,
}

impl Frozen {
    /// Codes along the axes of these vectors, or plain ones where axes are not worth it; to be taken over by
    /// [`Dense::adopt_axes`]. Cost: some tenths of a second, and five microseconds a vector.
    ///
    /// `None` when a vector cannot be read, memory is short, or `go_on` says no.
    pub(in crate::index) fn recoded(&self, go_on: &dyn Fn() -> bool) -> Option<Recoded> {
        let width = self.shape().width;
        let axes = Axes::of(&self.sample(go_on)?, width, go_on);
        // None may also mean that the search was given up.
        let coder = axes.map_or_else(|| Coder::plain(width), Coder::along);
        if go_on() { self.recoded_by(coder, go_on) } else { None }
    }

    pub(super) fn recoded_by(&self, coder: Coder, go_on: &dyn Fn() -> bool) -> Option<Recoded> {
        let shape = Shape { layout: coder.layout(), ..self.shape() };
        let stays = coder.axes().is_none() && shape == self.shape();
        let mut slabs = Vec::with_capacity(self.slabs().len());
        for slab in self.slabs().iter().take_while(|_| !stays) {
            if !go_on() {
                return None;
            }
            slabs.push((slab.version(), recoded(slab, shape, &coder, kernel::best()).ok()?));
        }
        let slabs = Some(slabs).filter(|_| !stays);
        Some(Recoded { sought_for: self.len(), coder, slabs })
    }

    /// Some of the vectors, evenly spread, at length 1.
    pub(super) fn sample(&self, go_on: &dyn Fn() -> bool) -> Option<Vec<f32>> {
        let every = self.len().div_ceil(SAMPLE).max(1);
        let mut sample = Vec::with_capacity(self.len().div_ceil(every) * self.shape().width);
        let mut buffer = Buffer::default();
        let rows =
            self.slabs().iter().flat_map(|slab| (0..slab.used()).map(move |row| (slab, row)));
        for (slab, row) in rows.step_by(every) {
            if !go_on() {
                return None;
            }
            let vector = slab.row(row, &mut buffer).ok()?;
            let norm = square(vector).sqrt();
            if norm > 0.0 {
                #[expect(clippy::cast_possible_truncation, reason = "a sample need not be exact")]
                sample.extend(vector.iter().map(|value| (f64::from(*value) / norm) as f32));
            }
        }
        Some(sample)
    }
}

fn recoded(slab: &Slab, shape: Shape, by: &Coder, kernels: &Kernels) -> io::Result<Coarse> {
    let mut codes = Coarse::new(shape)?;
    let mut buffer = Buffer::default();
    for row in 0..slab.used() {
        let padded = slab.row(row, &mut buffer)?;
        codes.put(row, &by.code(padded, square(padded).sqrt(), kernels), shape);
    }
    Ok(codes)
}

impl Dense {
    /// Whether there are enough vectors for axes to be looked for, or looked for anew.
    pub(crate) fn wants_axes(&self) -> bool {
        self.len >= AXES_FROM.max(self.axes_sought_for.saturating_mul(GROWTH))
    }

    /// Whether the codes are along axes.
    #[cfg(test)]
    pub(crate) fn has_axes(&self) -> bool {
        self.coder.axes().is_some()
    }

    /// Takes over what came of looking for axes; later changes are coded as that says. Gives whether codes
    /// have changed.
    ///
    /// Cost: five microseconds for each row of a slab that has changed since.
    pub(in crate::index) fn adopt_axes(&mut self, found: Recoded) -> bool {
        self.axes_sought_for = found.sought_for;
        let Some(slabs) = found.slabs else { return false };
        let shape = Shape { layout: found.coder.layout(), ..self.shape };
        let mut slabs = slabs.into_iter();
        let mut ready = Vec::with_capacity(self.slabs.len());
        for slab in &self.slabs {
            let codes = match slabs.next() {
                Some((version, codes)) if version == slab.version() => Ok(codes),
                _ => recoded(slab, shape, &found.coder, self.kernels),
            };
            match codes {
                Ok(codes) => ready.push(codes),
                Err(error) => return self.damaged_by(&error, false),
            }
        }
        for (number, codes) in ready.into_iter().enumerate() {
            let slot = u32::try_from(number * shape.slab_rows()).unwrap_or(NONE);
            if let Some(slab) = self.slab_mut(slot) {
                slab.take_codes(codes, shape);
            }
        }
        self.shape = shape;
        self.coder = Arc::new(found.coder);
        // Along axes they are no faster; of plain codes they would be made anew.
        self.sketch = None;
        true
    }
}
