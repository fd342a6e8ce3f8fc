//! Hooks, run as clients run them: one process for each event.

// Marked one by one, because lints for tests look for the mark at a module.
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod moments;
#[cfg(test)]
mod session;
#[cfg(test)]
mod untold;
