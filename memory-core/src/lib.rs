//! Engine of memory-mcp.

mod index;
