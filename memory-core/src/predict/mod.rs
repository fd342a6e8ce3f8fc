#[cfg(test)]
mod chance;
pub(crate) mod anomaly;
pub(crate) mod changepoint;
pub(crate) mod cluster;
pub(crate) mod forecast;
pub(crate) mod rate;
