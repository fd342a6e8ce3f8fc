"""The clients that are run: their package, how they are set up without a network, how they start.

Versions are those that the adapters were checked with last; a newer one is a change of this file.
"""

import json
import shutil
from pathlib import Path


class Client:
    """A client, as it is installed and run."""

    name = ""
    package = ""
    # Packages that it would fetch by itself.
    beside = ()
    # Path of the program below `node_modules`; the first that exists is taken.
    programs = ()
    # True for a program that Node runs.
    is_script = False
    # Name of the shell tool, and of the argument that holds its command.
    tool, argument = "bash", "command"
    # False where the client shows no words of a hook at the start, at a prompt, before a call.
    begins, prompts, warns = True, True, True

    def call(self, command):
        """Returns the model's call of the client's shell."""
        return self.tool, {self.argument: command, "description": "run it"}

    def prepare(self, home, project, url):
        """Writes the client's own settings."""

    def link(self, home, modules):
        """Puts packages where the client looks for them."""

    def environment(self, url):
        """Returns the variables that the client needs."""
        return {}

    def arguments(self, prompt):
        """Returns the words after the program."""
        return [prompt]


def write(path, text):
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class ClaudeCode(Client):
    name = "claude-code"
    package = "@anthropic-ai/claude-code@2.1.197"
    programs = ("@anthropic-ai/claude-code-linux-x64/claude", ".bin/claude")
    tool = "Bash"

    def environment(self, url):
        return {
            "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "x", "IS_SANDBOX": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1",
        }

    def arguments(self, prompt):
        return ["--dangerously-skip-permissions", "-p", prompt]


class Codex(Client):
    name = "codex"
    package = "@openai/codex@0.171.0"
    programs = (".bin/codex",)
    is_script = True
    tool, argument = "exec_command", "cmd"

    def call(self, command):
        return self.tool, {self.argument: command}

    def prepare(self, home, project, url):
        write(home / ".codex/config.toml", f"""model = "stub"
model_provider = "stub"
approval_policy = "never"
sandbox_mode = "danger-full-access"

[model_providers.stub]
name = "stub"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "STUB_KEY"

[analytics]
enabled = false

[projects."{project}"]
trust_level = "trusted"
""")

    def environment(self, url):
        return {"STUB_KEY": "x"}

    def arguments(self, prompt):
        return ["exec", "--json", "--dangerously-bypass-hook-trust", prompt]


class GeminiCli(Client):
    name = "gemini"
    package = "@google/gemini-cli@0.61.0"
    programs = ("@google/gemini-cli/bundle/gemini.js",)
    is_script = True
    tool = "run_shell_command"
    warns = False

    def prepare(self, home, project, url):
        write(home / ".gemini/settings.json", json.dumps({
            "security": {
                "auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False},
            },
            "privacy": {"usageStatisticsEnabled": False},
        }))

    def environment(self, url):
        return {
            "GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": url,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        }

    def arguments(self, prompt):
        return ["--yolo", "-m", "gemini-2.5-flash", "-p", prompt]


class OpenCode(Client):
    name = "opencode"
    package = "opencode-ai@1.18.33"
    # Without it the client waits for a network that it does not have.
    beside = ("@opencode-ai/plugin@1.18.33",)
    programs = ("opencode-linux-x64/bin/opencode", ".bin/opencode")
    warns = False

    def prepare(self, home, project, url):
        config = home / ".config/opencode"
        model = {
            "name": "m", "tool_call": True, "limit": {"context": 100_000, "output": 8_000},
        }
        provider = {
            "npm": "@ai-sdk/openai-compatible", "name": "stub",
            "options": {"baseURL": f"{url}/v1", "apiKey": "x"}, "models": {"m": model},
        }
        write(config / "opencode.json", json.dumps({
            "autoupdate": False, "share": "disabled", "permission": {"*": "allow"},
            "model": "stub/m", "small_model": "stub/m", "provider": {"stub": provider},
        }))

    def link(self, home, modules):
        config = home / ".config/opencode"
        ignored = shutil.ignore_patterns("opencode-*", ".bin")
        shutil.copytree(modules, config / "node_modules", symlinks=True, ignore=ignored)
        # It compares both, and installs what one of them does not name.
        named = {"dependencies": {"@opencode-ai/plugin": "1.18.33"}}
        write(config / "package.json", json.dumps(named))
        write(config / "package-lock.json", json.dumps({"packages": {"": named}}))

    def environment(self, url):
        return {
            "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1",
            "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        }

    def arguments(self, prompt):
        return ["run", prompt]


class Copilot(Client):
    name = "copilot"
    package = "@github/copilot@1.0.102"
    programs = ("@github/copilot-linux-x64/copilot", ".bin/copilot")

    def environment(self, url):
        return {
            "COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
            "COPILOT_MODEL": "gpt-4.1", "COPILOT_AUTO_UPDATE": "false",
        }

    def arguments(self, prompt):
        return ["--allow-all-tools", "--trust-folder", "-p", prompt]


ALL = [ClaudeCode(), Codex(), GeminiCli(), OpenCode(), Copilot()]


def program(client, modules):
    """Returns the path of an installed client's program, or None."""
    paths = [Path(modules) / path for path in client.programs]
    return next((path for path in paths if path.exists()), None)
