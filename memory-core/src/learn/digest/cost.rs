//! Cost of the calls of a tool within an episode.

use crate::codec::{ByteReader, ByteWriter, DecodeError};
use crate::model::Step;

/// Mean cost of a call of a tool in an episode, over the calls of which it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ToolCost {
    pub(crate) latency_ms: Option<u32>,
    pub(crate) n_tokens: Option<u32>,
}

/// Sum of the known values of a number.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    n: u64,
    total: u64,
}

impl Sum {
    fn add(&mut self, value: Option<u64>) {
        if let Some(value) = value {
            self.n += 1;
            self.total = self.total.saturating_add(value);
        }
    }

    fn mean(self) -> Option<u32> {
        let mean = self.total.checked_div(self.n)?;
        Some(u32::try_from(mean).unwrap_or(u32::MAX))
    }
}

/// Sums from which costs are computed, by the position of the tool.
#[derive(Debug, Default)]
pub(super) struct CostSums(Vec<[Sum; 2]>);

impl CostSums {
    /// Adds a step of the tool at a position.
    pub(super) fn add(&mut self, tool: u32, step: &Step) {
        let tool = tool as usize;
        if self.0.len() <= tool {
            self.0.resize_with(tool + 1, Default::default);
        }
        if let Some([latency_ms, n_tokens]) = self.0.get_mut(tool) {
            latency_ms.add(step.latency_ms);
            n_tokens.add(step.n_tokens);
        }
    }

    /// Returns the costs of the tools, in their order; none where no step has one.
    pub(super) fn costs(self) -> Vec<ToolCost> {
        let cost = |[latency_ms, n_tokens]: [Sum; 2]| ToolCost {
            latency_ms: latency_ms.mean(),
            n_tokens: n_tokens.mean(),
        };
        let costs: Vec<ToolCost> = self.0.into_iter().map(cost).collect();
        if costs.iter().all(|cost| *cost == ToolCost::default()) { Vec::new() } else { costs }
    }
}

pub(super) fn encode_costs(costs: &[ToolCost], out: &mut ByteWriter) {
    out.count(costs.len());
    for ToolCost { latency_ms, n_tokens } in costs {
        out.optional_varint(latency_ms.map(u64::from));
        out.optional_varint(n_tokens.map(u64::from));
    }
}

pub(super) fn decode_costs(input: &mut ByteReader<'_>) -> Result<Vec<ToolCost>, DecodeError> {
    let number = |value: Option<u64>| value.map(u32::try_from).transpose();
    let number = |value| number(value).map_err(|_| DecodeError::Overflow);
    input.list(2, |input| {
        let (latency_ms, n_tokens) = (input.optional_varint()?, input.optional_varint()?);
        Ok(ToolCost { latency_ms: number(latency_ms)?, n_tokens: number(n_tokens)? })
    })
}
