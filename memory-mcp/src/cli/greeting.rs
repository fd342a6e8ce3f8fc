//! Greeting for people who start the server by hand.
//!
//! A server that is started on a terminal waits for a client that is not there. The greeting says
//! what the program is, where its store lies, how to add it to a client and how to end it.

use memory_core::Scope;

use crate::config::Settings;

/// Returns the greeting, in some short lines.
pub(crate) fn greeting(settings: &Settings, scope: &Scope) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let store = settings.store.display();
    let state = if settings.store.exists() { "" } else { " (new)" };
    format!(
        "memory-mcp {version}: episodic memory for coding agents, an MCP server.
It speaks JSON-RPC on stdin and stdout, so a client starts it, not a person. It waits for one now.

  store   {store}{state}
  scope   {scope}
  add it  claude mcp add -s user memory -- memory-mcp
          codex mcp add memory -- memory-mcp
          elsewhere: command `memory-mcp`, no arguments, transport stdio
  try it  memory-mcp demo, memory-mcp --help
  end     Ctrl-D or Ctrl-C"
    )
}
