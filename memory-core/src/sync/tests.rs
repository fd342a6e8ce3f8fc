//! Claims about exchanges.
