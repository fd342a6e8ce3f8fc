//! The server and the command line of memory-mcp.

fn main() {}
