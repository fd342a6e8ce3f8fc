//! Engine of memory-mcp.
