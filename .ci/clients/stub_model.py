"""A model that plays a list of shell commands, in the four wire formats that clients speak.

Its next turn is told by the number of tool results in the request: the command of that number, or
"Done." after the last one. Requests without tools (titles, summaries) get a short text. Each
request is kept as it came. Listens on the loopback only.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DONE = "Done."
TITLE = "A session"


class Model:
    """A stub on a free port of the loopback, with the requests that it got."""

    def __init__(self, tool):
        """Starts to listen; `tool` makes the call of a command: (name, arguments)."""
        self.tool = tool
        self.play([])
        self.n_calls = 0
        self.lock = threading.Lock()
        handler = type("Handler", (Handler,), {"model": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def play(self, commands):
        """Sets the commands of the next session, of which no request has come yet."""
        self.commands = commands
        self.requests = []

    def close(self):
        """Stops to listen."""
        self.server.shutdown()
        self.server.server_close()

    def turn(self, n_results, body):
        """Returns the words of a turn and its call: (text, None) or (text, (id, name, args))."""
        if not body.get("tools"):
            return TITLE, None
        if n_results >= len(self.commands):
            return DONE, None
        name, args = self.tool(self.commands[n_results])
        with self.lock:
            self.n_calls += 1
            call_id = f"call_stub_{self.n_calls:04}"
        return "I run it.", (call_id, name, args)


class Handler(BaseHTTPRequestHandler):
    """One request; the format follows from its path."""

    protocol_version = "HTTP/1.1"
    model = None

    def log_message(self, *_):
        """Prints nothing."""

    def do_HEAD(self):
        """Answers a probe."""
        self.whole({})

    def do_GET(self):
        """Answers a list of models with an empty one."""
        self.whole({"object": "list", "data": [], "models": []})

    def do_POST(self):
        """Answers a request to the model."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        path = self.path.split("?")[0]
        formats = [
            ("/messages", Messages), ("/responses", Responses), ("/chat/completions", Chat),
            ("enerateContent", Gemini),
        ]
        wire = next((wire for end, wire in formats if path.endswith(end)), None)
        if wire is None:
            return self.whole({"input_tokens": 10, "totalTokens": 10})
        n_results = wire.n_results(body)
        with self.model.lock:
            self.model.requests.append({"n_results": n_results, "body": body})
        text, call = self.model.turn(n_results, body)
        is_stream = body.get("stream") or "stream" in path
        if is_stream:
            return self.events(wire.events(text, call, body))
        return self.whole(wire.whole(text, call, body))

    def whole(self, answer):
        """Sends one JSON value."""
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def events(self, events):
        """Sends server-sent events: (name or None, value or text)."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for name, value in events:
            data = value if isinstance(value, str) else json.dumps(value)
            head = f"event: {name}\n" if name else ""
            self.wfile.write(f"{head}data: {data}\n\n".encode())
        self.wfile.flush()


class Messages:
    """Anthropic Messages: Claude Code."""

    @staticmethod
    def n_results(body):
        blocks = [b for m in body.get("messages", []) if isinstance(m["content"], list)
                  for b in m["content"]]
        return sum(block.get("type") == "tool_result" for block in blocks)

    @staticmethod
    def whole(text, call, body):
        content = [{"type": "text", "text": text}]
        if call:
            call_id, name, args = call
            content.append({"type": "tool_use", "id": call_id, "name": name, "input": args})
        return {
            "id": "msg_stub", "type": "message", "role": "assistant", "content": content,
            "model": body.get("model", "stub"), "stop_sequence": None,
            "stop_reason": "tool_use" if call else "end_turn",
            "usage": {"input_tokens": 9, "output_tokens": 9},
        }

    @classmethod
    def events(cls, text, call, body):
        answer = cls.whole(text, call, body)
        begun = {**answer, "content": [], "stop_reason": None}
        parts = [("message_start", {"message": begun})]
        for index, block in enumerate(answer["content"]):
            if block["type"] == "text":
                empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": text}
            else:
                args = json.dumps(block["input"])
                empty = {**block, "input": {}}
                delta = {"type": "input_json_delta", "partial_json": args}
            parts.append(("content_block_start", {"index": index, "content_block": empty}))
            parts.append(("content_block_delta", {"index": index, "delta": delta}))
            parts.append(("content_block_stop", {"index": index}))
        ends = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
        parts.append(("message_delta", {"delta": ends, "usage": answer["usage"]}))
        parts.append(("message_stop", {}))
        return [(name, {"type": name, **value}) for name, value in parts]


class Responses:
    """OpenAI Responses: Codex."""

    @staticmethod
    def n_results(body):
        items = [item for item in body.get("input", []) if isinstance(item, dict)]
        return sum(str(item.get("type")).endswith("_call_output") for item in items)

    @staticmethod
    def whole(text, call, body):
        words = {"type": "output_text", "text": text, "annotations": []}
        output = [{
            "type": "message", "id": "msg_stub", "role": "assistant", "status": "completed",
            "content": [words],
        }]
        if call:
            call_id, name, args = call
            output.append({
                "type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name,
                "arguments": json.dumps(args), "status": "completed",
            })
        return {
            "id": "resp_stub", "object": "response", "status": "completed", "output": output,
            "model": body.get("model"),
            "usage": {
                "input_tokens": 9, "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 18,
            },
        }

    @classmethod
    def events(cls, text, call, body):
        answer = cls.whole(text, call, body)
        begun = {**answer, "status": "in_progress", "output": []}
        parts = [("response.created", {"response": begun})]
        for index, item in enumerate(answer["output"]):
            place = {"output_index": index, "item": item}
            parts.append(("response.output_item.added", place))
            parts.append(("response.output_item.done", place))
        parts.append(("response.completed", {"response": answer}))
        return [(name, {"type": name, **value}) for name, value in parts]


class Chat:
    """OpenAI Chat Completions: OpenCode, Copilot."""

    @staticmethod
    def n_results(body):
        return sum(message.get("role") == "tool" for message in body.get("messages", []))

    @staticmethod
    def message(text, call):
        message = {"role": "assistant", "content": text}
        if call:
            call_id, name, args = call
            function = {"name": name, "arguments": json.dumps(args)}
            calls = [{"index": 0, "id": call_id, "type": "function", "function": function}]
            message["tool_calls"] = calls
        return message

    @staticmethod
    def frame(body):
        return {"id": "chatcmpl-stub", "created": 0, "model": body.get("model", "stub")}

    @classmethod
    def whole(cls, text, call, body):
        end = "tool_calls" if call else "stop"
        choice = {"index": 0, "message": cls.message(text, call), "finish_reason": end}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        kind = {"object": "chat.completion", "choices": [choice], "usage": usage}
        return {**cls.frame(body), **kind}

    @classmethod
    def events(cls, text, call, body):
        frame = {**cls.frame(body), "object": "chat.completion.chunk"}
        end = "tool_calls" if call else "stop"
        first = {"index": 0, "delta": cls.message(text, call), "finish_reason": None}
        last = {"index": 0, "delta": {}, "finish_reason": end}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        yield None, {**frame, "choices": [first]}
        yield None, {**frame, "choices": [last], "usage": usage}
        yield None, "[DONE]"


class Gemini:
    """Gemini generateContent."""

    @staticmethod
    def n_results(body):
        parts = [part for content in body.get("contents", []) for part in content.get("parts", [])]
        return sum("functionResponse" in part for part in parts)

    @staticmethod
    def whole(text, call, _body):
        parts = [{"text": text}]
        if call:
            _, name, args = call
            parts.append({"functionCall": {"name": name, "args": args}})
        content = {"role": "model", "parts": parts}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18}
        return {
            "candidates": [{"index": 0, "content": content, "finishReason": "STOP"}],
            "usageMetadata": usage, "modelVersion": "stub",
        }

    @classmethod
    def events(cls, text, call, body):
        return [(None, cls.whole(text, call, body))]
