//! The command line of `hwan scenarios`, and what it comes to.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::{Args, ValueEnum};
use hwan_client::{ServerAddr, ServerAddrError, TlsFiles};

use crate::{
    files,
    language::Scenario,
    report::{Colours, Counts, RunReport, Terminal, json, junit},
    run::{Session, SessionError, Settings, Target},
};

/// All scenarios passed.
pub const EXIT_PASSED: u8 = 0;
/// A scenario failed, or was skipped without `--allow-skips`.
pub const EXIT_FAILED: u8 = 1;
/// The command line or a file is wrong: nothing was sent.
pub const EXIT_USAGE: u8 = 2;
/// The server cannot be reached.
pub const EXIT_UNREACHABLE: u8 = 3;

/// A report's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    /// For people, as scenarios end.
    Terminal,
    /// For machines.
    Json,
    /// For build servers.
    Junit,
}

/// Scenario files against a live server.
#[derive(Debug, Args)]
pub struct ScenarioArgs {
    /// Scenario files, or directories whose *.yaml files are run.
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,

    /// The server's URL.
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    against: Option<String>,

    /// The URL of the server's admin port, to move its test clock.
    #[arg(long, value_name = "URL")]
    admin: Option<String>,

    /// The certificates to trust, for a server's URL of https.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// The file of the token that steps use when they name no other.
    #[arg(long, value_name = "FILE", default_value = "data/token")]
    token_file: PathBuf,

    /// A further token by the name that steps use (`by: approver`).
    #[arg(long = "token", value_name = "NAME=FILE", value_parser = named_file)]
    tokens: Vec<(String, PathBuf)>,

    /// Only scenarios whose title or file contains this text.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// Scenarios at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,

    /// The report's form; several may be given [default: terminal]
    #[arg(long = "report", value_name = "FORM", value_enum)]
    reports: Vec<ReportKind>,

    /// A file for each json or junit report, in their order; without one it goes to the standard output.
    #[arg(long = "out", value_name = "FILE")]
    outs: Vec<PathBuf>,

    /// Begin nothing new after a failure.
    #[arg(long)]
    fail_fast: bool,

    /// Exit with 0 also if scenarios were skipped.
    #[arg(long)]
    allow_skips: bool,

    /// Only say which scenarios there are.
    #[arg(long)]
    list: bool,
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    let parts = text.split_once('=').filter(|(name, file)| !name.is_empty() && !file.is_empty());
    let (name, file) = parts.ok_or("expected NAME=FILE, such as approver=data/approver")?;
    Ok((name.to_owned(), file.into()))
}

/// What is wrong with the command line or the files.
struct Usage(String);

/// Does what the command line says; gives the exit code.
pub fn run(args: &ScenarioArgs) -> u8 {
    match attempt(args) {
        Ok(code) => code,
        Err(Usage(message)) => {
            eprintln!("{message}");
            EXIT_USAGE
        }
    }
}

fn attempt(args: &ScenarioArgs) -> Result<u8, Usage> {
    let outputs = outputs(args)?;
    let files = files::read(&args.paths).map_err(|errors| Usage(errors.join("\n")))?;
    let chosen: Vec<(PathBuf, &Scenario)> = files
        .iter()
        .flat_map(|(path, scenarios)| scenarios.iter().map(move |scenario| (path.clone(), scenario)))
        .filter(|(path, scenario)| {
            let contains =
                |text: &String| scenario.title.contains(text) || path.to_string_lossy().contains(text.as_str());
            args.filter.as_ref().is_none_or(contains)
        })
        .collect();
    if chosen.is_empty() {
        return Err(Usage("no scenario is chosen: look at --filter".to_owned()));
    }
    if args.list {
        let lines: Vec<String> =
            chosen.iter().map(|(path, s)| format!("{}:{}: {}", path.display(), s.at.line, s.title)).collect();
        return print(&format!("{}\n", lines.join("\n"))).map(|()| EXIT_PASSED);
    }
    let target = target(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Usage(format!("cannot start: {error}")))?;
    let terminal = outputs.terminal.then(|| {
        let colours = if io::stdout().is_terminal() { Colours::With } else { Colours::Without };
        Terminal::new(colours, chosen.len())
    });
    let started = Instant::now();
    let settings = Settings { jobs: args.jobs.into(), fail_fast: args.fail_fast };
    let session = Session::new(&target, chosen, settings);
    let ended = |report: &_| {
        if let Some(terminal) = &terminal {
            terminal.ended(report);
        }
    };
    let scenarios = match runtime.block_on(session.run(&ended)) {
        Ok(scenarios) => scenarios,
        Err(error @ SessionError::Unreachable(_)) => {
            eprintln!("{error}");
            return Ok(EXIT_UNREACHABLE);
        }
        Err(error @ SessionError::Refused(_)) => return Err(Usage(error.to_string())),
    };
    let server = args.against.clone().unwrap_or_default();
    let run = RunReport { server, scenarios, took: started.elapsed() };
    if let Some(terminal) = &terminal {
        terminal.summary(&run);
    }
    for (kind, file) in outputs.others {
        let text = if kind == ReportKind::Json { json(&run) } else { junit(&run) };
        match file {
            Some(file) => fs::write(&file, text).map_err(|error| Usage(format!("{}: {error}", file.display())))?,
            None => print(&text)?,
        }
    }
    let Counts { failed, skipped, .. } = Counts::of(&run.scenarios);
    let whole = failed == 0 && (skipped == 0 || args.allow_skips);
    Ok(if whole { EXIT_PASSED } else { EXIT_FAILED })
}

/// Which reports go where.
struct Outputs {
    terminal: bool,
    others: Vec<(ReportKind, Option<PathBuf>)>,
}

fn outputs(args: &ScenarioArgs) -> Result<Outputs, Usage> {
    let mut files = args.outs.iter().cloned();
    let others: Vec<(ReportKind, Option<PathBuf>)> =
        args.reports.iter().filter(|kind| **kind != ReportKind::Terminal).map(|kind| (*kind, files.next())).collect();
    if let Some(file) = files.next() {
        return Err(Usage(format!("--out {} belongs to no --report json or junit", file.display())));
    }
    let terminal = args.reports.is_empty() || args.reports.contains(&ReportKind::Terminal);
    let to_stdout = others.iter().filter(|(_, file)| file.is_none()).count() + usize::from(terminal);
    if to_stdout > 1 {
        return Err(Usage("several reports would go to the standard output: give --out FILE".to_owned()));
    }
    Ok(Outputs { terminal, others })
}

fn target(args: &ScenarioArgs) -> Result<Target, Usage> {
    let wrong = |error: ServerAddrError| Usage(error.to_string());
    let trusted = args.ca.as_ref().map(TlsFiles::trusting);
    let server = ServerAddr::of(args.against.as_deref().unwrap_or_default(), trusted.as_ref()).map_err(wrong)?;
    let read = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|error| Usage(format!("token {}: {error}", path.display())))?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Usage(format!("token {}: not a token: expected one line without spaces", path.display())));
        }
        Ok(token.to_owned())
    };
    let server = server.with_token(&read(&args.token_file)?);
    let admin = args.admin.as_deref().map(ServerAddr::loopback).transpose().map_err(wrong)?;
    let tokens = args.tokens.iter().map(|(name, path)| Ok((name.clone(), read(path)?)));
    let tokens = tokens.collect::<Result<BTreeMap<String, String>, Usage>>()?;
    Ok(Target::new(server, &tokens, admin))
}

fn print(text: &str) -> Result<(), Usage> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Usage(format!("standard output: {error}")))
}
