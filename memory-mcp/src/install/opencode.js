// Made by memory-mcp install; `memory-mcp uninstall opencode` removes it.
// Hands the events of OpenCode to the memory, and what the memory says to the model.
import { spawn } from "node:child_process"

const [program, ...args] = "{words}"
const LIMIT_MS = 2000

// Resolves to what the memory says, or to nothing: never rejects, never waits for long.
const tell = (message, directory) =>
  new Promise((resolve) => {
    try {
      const child = spawn(program, args, { cwd: directory, stdio: ["pipe", "pipe", "ignore"] })
      const timer = setTimeout(() => { child.kill(); resolve("") }, LIMIT_MS)
      let out = ""
      child.stdout.on("data", (data) => { out += data })
      child.on("error", () => { clearTimeout(timer); resolve("") })
      child.on("close", () => {
        clearTimeout(timer)
        try { resolve(JSON.parse(out).additionalContext ?? "") } catch { resolve("") }
      })
      child.stdin.on("error", () => {})
      child.stdin.end(JSON.stringify(message))
    } catch { resolve("") }
  })

export const MemoryMcp = async ({ directory, worktree }) => {
  const folder = worktree && worktree !== "/" ? worktree : directory
  const parents = new Map() // of sessions of subagents: the outermost session
  const open = new Set() // sessions of people, to be closed when the client ends
  const begun = new Map() // what the memory said when a session began, until it is shown
  const send = (hook, session, payload) => {
    const parent = parents.get(session)
    return tell({ hook, directory: folder, ...(parent ? { parent } : {}), payload }, folder)
  }
  return {
    // `opencode run` ends without another word.
    dispose: async () => {
      const ends = (session) => send("event", session, { type: "session.ended", properties: { sessionID: session } })
      await Promise.all([...open].map(ends))
    },
    event: async ({ event }) => {
      const { type, properties } = event
      const session = properties?.sessionID ?? properties?.info?.id ?? properties?.part?.sessionID
      if (type === "session.created") {
        const parent = properties?.info?.parentID
        if (parent) parents.set(session, parents.get(parent) ?? parent)
        const said = send("event", session, event)
        if (!parent) begun.set(session, said)
        await said
      } else if (type === "message.part.updated") {
        // A call that fails has no other event than this one.
        const part = properties?.part
        if (part?.type === "tool" && part.state?.status === "error") await send("event", session, event)
      } else if (["session.idle", "session.deleted", "session.compacted"].includes(type)) {
        await send("event", session, event)
      }
    },
    "chat.message": async (input, output) => {
      if (!parents.has(input.sessionID)) open.add(input.sessionID)
      const first = await (begun.get(input.sessionID) ?? "")
      begun.delete(input.sessionID)
      const said = await send("chat.message", input.sessionID, { i: input, o: output })
      const text = [first, said].filter(Boolean).join("\n\n")
      if (!text) return
      const { sessionID = input.sessionID, messageID = output.message?.id } = output.parts[0] ?? {}
      const id = "prt_" + Date.now().toString(16) + Math.random().toString(36).slice(2)
      output.parts.push({ id, sessionID, messageID, type: "text", text, synthetic: true })
    },
    "tool.execute.before": async (input, output) => {
      await send("tool.execute.before", input.sessionID, { i: input, o: output })
    },
    // Told as the event that the client sends later, too late for words to the model.
    "tool.execute.after": async (input, output) => {
      const { sessionID, callID, tool, args } = input
      const content = Array.isArray(output?.content) ? JSON.stringify(output.content) : ""
      const state = { status: "completed", input: args, output: output?.output ?? content, metadata: output?.metadata ?? {} }
      const part = { type: "tool", sessionID, callID, tool, state }
      const said = await send("event", sessionID, { type: "message.part.updated", properties: { part } })
      if (said && typeof output?.output === "string") output.output += "\n\n" + said
    },
  }
}
