//! Commands `install` and `uninstall`: puts the memory into clients, and takes it out again.

use serde_json::{Value, json};

use super::output::{Failure, Output, block};
use crate::config::{Origin, Settings};
use crate::install::{self, Client, InstallError, Piece, Plan, Request, Start, State};

/// Arguments of `install`.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    which: Which,
    /// Leave the hooks out: nothing is recorded or said by itself
    #[arg(long)]
    no_hooks: bool,
    /// Leave the client's file of instructions as it is
    #[arg(long)]
    no_instruction: bool,
}

/// Arguments of `uninstall`.
#[derive(Debug, clap::Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    which: Which,
}

/// Clients, and whether to do it.
#[derive(Debug, clap::Args)]
struct Which {
    /// Clients by name; `all` for those that are found; without a name they are listed
    #[arg(value_name = "CLIENT")]
    clients: Vec<String>,
    /// Show what would be changed, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs `install`.
pub(crate) fn install(
    args: &InstallArgs,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let wanted = |piece: &Piece| match piece {
        Piece::Server => true,
        Piece::Hooks => !args.no_hooks,
        Piece::Instruction => !args.no_instruction,
    };
    let request = Request {
        start: start(settings)?,
        pieces: Piece::ALL.into_iter().filter(wanted).collect(),
    };
    if args.which.clients.is_empty() {
        return list(&request, settings, output);
    }
    let does = |client: &Client, is_real| {
        install::install(client, &request, &settings.environment, is_real)
    };
    each(&args.which, &request, settings, output, does, true)
}

/// Runs `uninstall`.
pub(crate) fn uninstall(
    args: &UninstallArgs,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let request = whole(settings)?;
    if args.which.clients.is_empty() {
        return list(&request, settings, output);
    }
    let does = |client: &Client, is_real| {
        install::uninstall(client, &request, &settings.environment, is_real)
    };
    each(&args.which, &request, settings, output, does, false)
}

fn whole(settings: &Settings) -> Result<Request, Failure> {
    let pieces = Piece::ALL.to_vec();
    Ok(Request { start: start(settings)?, pieces })
}

/// Returns the words with which a client starts this program.
fn start(settings: &Settings) -> Result<Start, Failure> {
    let program = settings.environment.this_program().ok_or_else(|| {
        Failure::Failed("cannot tell where this program lies, so no client can start it".to_owned())
    })?;
    let text = |path: &std::path::Path| path.to_string_lossy().replace('\\', "/");
    let mut flags = Vec::new();
    if matches!(settings.origin("store"), Origin::Flag(_)) {
        flags = vec!["--store".to_owned(), text(&settings.store)];
    }
    Ok(Start { program: text(&program), flags })
}

/// Returns the clients that were named.
fn chosen(which: &Which, request: &Request, settings: &Settings) -> Result<Vec<Client>, Failure> {
    let clients = install::clients();
    let mut chosen: Vec<Client> = Vec::new();
    for name in &which.clients {
        if name == "all" {
            for client in &clients {
                if install::survey(client, request, &settings.environment)?.is_found {
                    chosen.push(client.clone());
                }
            }
        } else if let Some(client) = clients.iter().find(|client| client.name == *name) {
            chosen.push(client.clone());
        } else {
            let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
            return Err(Failure::Usage(format!(
                "there is no client `{name}`: name one of {}, or all",
                names.join(", ")
            )));
        }
    }
    chosen.dedup_by(|a, b| a.name == b.name);
    Ok(chosen)
}

fn each(
    which: &Which,
    request: &Request,
    settings: &Settings,
    output: &mut Output<'_>,
    does: impl Fn(&Client, bool) -> Result<Plan, InstallError>,
    is_install: bool,
) -> Result<(), Failure> {
    let mut n_failed = 0;
    for client in chosen(which, request, settings)? {
        match does(&client, !which.dry_run) {
            Ok(plan) if output.is_json() => output.value(&plan_json(&client, &plan, which))?,
            Ok(plan) => print(&client, &plan, which, is_install, output)?,
            Err(error) => {
                n_failed += 1;
                output.remark(&format!("error: {}: {error}", client.name));
            }
        }
    }
    if n_failed > 0 { Err(Failure::Incomplete) } else { Ok(()) }
}

fn print(
    client: &Client,
    plan: &Plan,
    which: &Which,
    is_install: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    output.line(&client.title)?;
    if plan.command.is_none() && plan.changes.is_empty() {
        let state = if is_install { "installed already" } else { "nothing of memory-mcp is there" };
        return output.line(&format!("  {state}"));
    }
    if let Some(command) = &plan.command {
        let verb = if which.dry_run { "would run" } else { "ran" };
        output.line(&format!("  {verb}: {}", command.line()))?;
    }
    for change in &plan.changes {
        output.line(&format!("  {} ({})", change.path.display(), change.verb()))?;
        if which.dry_run {
            output.line(&block(&change.diff(), "    "))?;
        }
    }
    if is_install {
        for line in client.left() {
            output.line(&format!("  left to do: {line}"))?;
        }
    }
    Ok(())
}

fn plan_json(client: &Client, plan: &Plan, which: &Which) -> Value {
    let changes: Vec<Value> = plan
        .changes
        .iter()
        .map(|c| json!({ "file": c.path, "change": c.verb(), "diff": c.diff() }))
        .collect();
    json!({
        "client": client.name,
        "dry_run": which.dry_run,
        "command": plan.command.as_ref().map(install::OwnCommand::line),
        "changes": changes,
        "left_to_do": client.left(),
    })
}

/// Lists the clients with what is installed in each.
fn list(request: &Request, settings: &Settings, output: &mut Output<'_>) -> Result<(), Failure> {
    let (mut rows, mut ready) = (Vec::new(), Vec::new());
    for client in install::clients() {
        let row = match install::survey(&client, request, &settings.environment) {
            Ok(survey) => {
                let misses =
                    |(_, state): &(Piece, State)| [State::Absent, State::Outdated].contains(state);
                if survey.is_found && survey.pieces.iter().any(misses) {
                    ready.push(client.name.clone());
                }
                if output.is_json() {
                    let pieces: serde_json::Map<String, Value> = survey
                        .pieces
                        .iter()
                        .map(|(piece, state)| (piece.name().to_owned(), json!(state.name())))
                        .collect();
                    output.value(&json!({
                        "client": client.name, "found": survey.is_found, "pieces": pieces,
                    }))?;
                    continue;
                }
                let found = if survey.is_found { "yes" } else { "no" };
                let states = survey.pieces.iter().map(|(_, state)| state.name().to_owned());
                [client.name, found.to_owned()].into_iter().chain(states).collect()
            }
            Err(error) => {
                output.remark(&format!("error: {}: {error}", client.name));
                continue;
            }
        };
        rows.push(row);
    }
    if output.is_json() {
        return Ok(());
    }
    output.table(&["CLIENT", "FOUND", "SERVER", "HOOKS", "INSTRUCTION"], &rows)?;
    if ready.is_empty() {
        return Ok(());
    }
    output.line(&format!(
        "\n`memory-mcp install {}` would complete what is missing; --dry-run shows the changes",
        ready.join(" ")
    ))
}
