//! The program `hwan-chaos`: reads the command line, gets mysqld, runs a campaign, prints what it found.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Parser;
use hwan_chaos::{
    campaign::{self, CampaignPlan},
    faults::Fault,
    pipeline::{
        campaign::{self as pipeline, PipelineCampaign},
        faults::PipelineFault,
    },
    report::Report,
};
use hwan_services::Installation;
use tokio::signal::unix::{SignalKind, signal};

/// Exchanges in a round as CI runs it.
const EXCHANGES_OF_CI: u64 = 200_000;
/// Exchanges in a round of one kind of fault alone, for each time that it strikes.
const EXCHANGES_OF_ONE: u64 = 200;

const EXIT_VIOLATION: u8 = 1;
const EXIT_COULD_NOT_RUN: u8 = 2;

/// Crash tests of hwan against a real MySQL: faults under load, then a judgement of everything that was acknowledged.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: 0 every promise held, 1 one was broken, 2 the campaign could not be run")]
struct Cli {
    /// One round of everything, as CI runs it; this is also what happens without any option.
    #[arg(long, conflicts_with_all = ["minutes", "only"])]
    ci: bool,
    /// Round after round for so many minutes.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_080))]
    minutes: Option<u64>,
    /// What chance follows from; random without.
    #[arg(long)]
    seed: Option<u64>,
    /// The other half instead: Kafka between the engine and the books.
    #[arg(long, conflicts_with = "minutes")]
    pipeline: bool,
    /// One kind of fault alone; may be given several times.
    #[arg(long, value_name = "FAULT")]
    only: Vec<String>,
    /// How often each of these strikes in a round.
    #[arg(long, default_value_t = 10, requires = "only")]
    times: usize,
    /// Exchanges that a round acknowledges at least.
    #[arg(long)]
    exchanges: Option<u64>,
    /// Where the report goes as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The program `hwan`.
    #[arg(long, value_name = "FILE")]
    hwan: PathBuf,
    /// Where everything lies while it runs, and stays when something was found; servers are fetched to its folder
    /// `services`.
    #[arg(long, value_name = "DIRECTORY")]
    target: PathBuf,
}

fn fault(text: &str) -> anyhow::Result<Fault> {
    Fault::by_name(text).with_context(|| {
        let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        format!("there is no fault {text}: choose of {}", names.join(", "))
    })
}

fn pipeline_fault(text: &str) -> anyhow::Result<PipelineFault> {
    PipelineFault::ALL.into_iter().find(|fault| fault.name() == text).with_context(|| {
        let names = PipelineFault::ALL.map(PipelineFault::name);
        format!("there is no fault {text} between the halves: choose of {}", names.join(", "))
    })
}

impl Cli {
    fn plan(&self, folder: &Path) -> anyhow::Result<CampaignPlan> {
        let round: BTreeMap<Fault, usize> = if self.only.is_empty() {
            campaign::round_of_ci()
        } else {
            self.only.iter().map(|name| Ok((fault(name)?, self.times))).collect::<anyhow::Result<_>>()?
        };
        let by_faults = EXCHANGES_OF_ONE * round.values().sum::<usize>() as u64;
        let usual = if self.only.is_empty() { EXCHANGES_OF_CI } else { by_faults };
        Ok(CampaignPlan {
            round,
            exchanges: self.exchanges.unwrap_or(usual),
            time: self.minutes.map(|minutes| Duration::from_secs(60 * minutes)),
            seed: self.seed.unwrap_or_else(rand::random),
            hwan: self.hwan.clone(),
            folder: folder.to_owned(),
        })
    }

    fn pipeline(&self, folder: &Path) -> anyhow::Result<PipelineCampaign> {
        let services = self.target.join("services");
        let install = |installation: Installation| installation.install(&mut |step| eprintln!("services: {step}"));
        let round = if self.only.is_empty() {
            pipeline::round_of_ci()
        } else {
            self.only.iter().map(|name| Ok((pipeline_fault(name)?, self.times))).collect::<anyhow::Result<_>>()?
        };
        Ok(PipelineCampaign {
            mysql: install(Installation::mysql(&services)).context("mysqld cannot be had here")?,
            kafka: install(Installation::kafka(&services)).context("kafka cannot be had here")?,
            hwan: self.hwan.clone(),
            folder: folder.to_owned(),
            round,
            seed: self.seed.unwrap_or_else(rand::random),
        })
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match if cli.pipeline { run_pipeline(&cli) } else { run(&cli) } {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hwan-chaos: {error:#}");
            ExitCode::from(EXIT_COULD_NOT_RUN)
        }
    }
}

/// Tells when the machine, or this program, stood still: it explains what waited for too long.
async fn tell_standstills() {
    const TICK: Duration = Duration::from_millis(200);
    const TOLD_FROM: Duration = Duration::from_secs(3);
    loop {
        let before = Instant::now();
        tokio::time::sleep(TICK).await;
        let gap = before.elapsed();
        if gap > TOLD_FROM {
            eprintln!("chaos: nothing went on here for {} s", gap.as_secs());
        }
    }
}

fn run_pipeline(cli: &Cli) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&cli.target)?;
    let folder = pipeline::folder_below(&cli.target.canonicalize()?);
    std::fs::create_dir_all(&folder)?;
    let plan = cli.pipeline(&folder)?;
    eprintln!(
        "chaos: {} with {}, seed {}, in {}",
        cli.hwan.display(),
        plan.kafka.version(),
        plan.seed,
        folder.display()
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            ended = pipeline::run(&plan) => ended,
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
        }
    });
    let (is_clean, report) =
        ended.with_context(|| format!("the campaign ended early; what it left is in {}", folder.display()))?;
    println!("{report}");
    if let Some(file) = &cli.json {
        std::fs::write(file, &report).with_context(|| file.display().to_string())?;
    }
    if is_clean {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("logs and data are in {}", folder.display());
    Ok(ExitCode::from(EXIT_VIOLATION))
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let mysql = Installation::mysql(&cli.target.join("services"))
        .install(&mut |step| eprintln!("services: {step}"))
        .context("mysqld cannot be had here")?;
    let target = cli.target.canonicalize().with_context(|| cli.target.display().to_string())?;
    let folder = target.join("chaos").join(std::process::id().to_string());
    std::fs::create_dir_all(&folder)?;
    let plan = cli.plan(&folder)?;
    eprintln!("chaos: {} on {}, seed {}, in {}", cli.hwan.display(), mysql.version(), plan.seed, folder.display());
    let mut report = Report::begin(plan.seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let standstills = tokio::spawn(tell_standstills());
        // Whatever was started is killed when the campaign is dropped.
        let ended = tokio::select! {
            ended = campaign::run(&plan, &mysql, &mut report) => ended,
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("terminated")),
        };
        standstills.abort();
        ended
    });
    report.conclude();
    println!("{report}");
    if let Some(file) = &cli.json {
        std::fs::write(file, report.to_json()).with_context(|| file.display().to_string())?;
    }
    ended.with_context(|| format!("the campaign ended early; what it left is in {}", folder.display()))?;
    if report.is_clean() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("logs and data are in {}", folder.display());
    Ok(ExitCode::from(EXIT_VIOLATION))
}
