//! What Kafka needs: its jars by Maven, first data by its own storage tool, and how a server is started.
//!
//! A server is broker and controller at once, alone in its cluster, on two ports of loopback. The port for clients is the
//! instance's; that of the controller is chosen anew at every start, nobody but the server itself asks there. Needs a Java
//! of 17 or newer on the machine, and Maven for the first installation.

use std::{
    fs,
    hash::{BuildHasher, RandomState},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Error, OsProcess, Product, Result, bounded, instance,
    leash::Leash,
    options::Profile,
    port::{free_port, free_port_beside},
    unpack::remove_folder,
};

/// The version that is fetched.
const VERSION: &str = "4.1.2";
/// What it logs by: its own packages leave the choice open.
const LOG4J_VERSION: &str = "2.25.3";
/// The program of Maven's that copies jars with all that they need.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/// How long the download may take: the slowest mirror that is worth waiting for.
const FETCH_MAX: Duration = Duration::from_secs(900);
/// How long the first data may take.
const FORMAT_MAX: Duration = Duration::from_secs(60);
/// How long the server may take that is started to see which classes it loads.
const REHEARSAL_MAX: Duration = Duration::from_secs(60);
/// The classes as the Java machine has them after loading: a start takes half as long with it.
const ARCHIVE: &str = "classes.jsa";

/// What the server is told besides its ports and folders. One server is all there is, so everything is kept once.
const SETTINGS: &str = "\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
num.recovery.threads.per.data.dir=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
# One that was killed is let in again when its earlier self is given up: after 9 s by default.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
";

const LOGGING: &str = "\
status = warn
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = OUT
";

/// Whether Kafka can be fetched and run here, or what is missing.
pub(crate) fn is_possible() -> Result<()> {
    for program in ["java", "mvn"] {
        let ran = Command::new(program)
            .arg("-version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !ran.is_ok_and(|status| status.success()) {
            return Err(Error::Unsupported(format!(
                "a Kafka of the project's own needs Java 17 and Maven, and {program} does not run: give a server's address"
            )));
        }
    }
    Ok(())
}

/// Fetches the jars into `root`, which appears whole or not at all.
pub(crate) fn fetch(folder: &Path, root: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    is_possible()?;
    let new = root.with_extension("new");
    remove_folder(&new)?;
    let project = folder.join("pom.xml");
    fs::write(&project, pom()).map_err(Error::io(project.display()))?;
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "-f"]).arg(&project).args([COPY, "-DincludeScope=runtime"]);
    maven.arg(format!("-DoutputDirectory={}", new.display()));
    bounded::run("mvn copy-dependencies", &mut maven, None, &folder.join("fetch.log"), FETCH_MAX, progress)?;
    remove_folder(root)?;
    fs::rename(&new, root).map_err(Error::io(root.display()))
}

/// The version that lies in `root`, if one does.
pub(crate) fn version(root: &Path) -> Option<String> {
    let names = jars(root).ok()?;
    let version = names.iter().find_map(|jar| jar.file_name()?.to_str()?.strip_prefix("kafka-server-common-"))?;
    Some(format!("{} {}", Product::Kafka, version.strip_suffix(".jar")?))
}

/// A project of Maven's that is nothing but its dependencies.
fn pom() -> String {
    let dependency = |group: &str, artifact: &str, version: &str| {
        format!(
            "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    // Of the two for logging, the second binds what Kafka logs by to the first.
    let log4j = "org.apache.logging.log4j";
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>hwan</groupId>\n  <artifactId>kafka</artifactId>\n  <version>1</version>\n  \
         <packaging>pom</packaging>\n  <dependencies>\n{}{}{}  </dependencies>\n</project>\n",
        dependency("org.apache.kafka", "kafka_2.13", VERSION),
        dependency(log4j, "log4j-core", LOG4J_VERSION),
        dependency(log4j, "log4j-slf4j-impl", LOG4J_VERSION),
    )
}

/// Makes the data of a server in the folder `data`, with an identity of their own.
pub(crate) fn make_data(folder: &Path, data: &Path) -> Result<()> {
    fs::create_dir_all(data).map_err(Error::io(data.display()))?;
    let settings = data.with_extension("properties");
    configure(&settings, data, free_port()?)?;
    let mut tool = Command::new("java");
    tool.args(["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]).args(shared_classes(folder));
    tool.arg("-cp").arg(class_path(&folder.join("root"))?);
    tool.args(["kafka.tools.StorageTool", "format", "--standalone", "-t", &cluster_id(), "-c"]).arg(&settings);
    let log = data.with_extension("log");
    bounded::run("formatting the storage of kafka", &mut tool, None, &log, FORMAT_MAX, &mut |_| ())?;
    for done in [settings, log] {
        fs::remove_file(&done).map_err(Error::io(done.display()))?;
    }
    Ok(())
}

/// The program of a server, ready to be given [`arguments`].
pub(crate) fn program(folder: &Path, profile: Profile) -> Result<Command> {
    let mut java = machine(profile);
    java.args(shared_classes(folder)).arg("-cp").arg(class_path(&folder.join("root"))?);
    Ok(java)
}

/// How a server is started whose settings lie in `home`: they are written anew.
pub(crate) fn arguments(home: &Path, data: &Path, port: u16) -> Result<Vec<String>> {
    let settings = home.join("server.properties");
    configure(&settings, data, port)?;
    let logging = home.join("log4j2.properties");
    fs::write(&logging, LOGGING).map_err(Error::io(logging.display()))?;
    Ok(vec![
        format!("-Dlog4j2.configurationFile=file:{}", logging.display()),
        format!("-Dkafka.logs.dir={}", home.display()),
        "kafka.Kafka".to_owned(),
        settings.display().to_string(),
    ])
}

/// Whether a broker that serves answers here: asked for the cluster, it names one at least. It listens some time before.
pub(crate) fn serves(stream: &mut TcpStream) -> bool {
    // Length; Metadata in version 1; a number of ours; no name of ours; of no topic.
    const REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0];
    // Length; the number; how many brokers.
    let mut answer = [0_u8; 12];
    stream.write_all(&REQUEST).is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && answer[4..8] == [0, 0, 0, 7]
        && answer[8..12] != [0, 0, 0, 0]
}

/// Writes down which classes a server loads, so that later ones start in half the time. Without it they start as well.
pub(crate) fn archive_classes(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<()> {
    if folder.join(ARCHIVE).exists() {
        return Ok(());
    }
    progress("starting a server once, to see which classes it loads");
    let home = folder.join("rehearsal");
    remove_folder(&home)?;
    let data = home.join("data");
    make_data(folder, &data)?;
    let port = free_port()?;
    let new = folder.join(ARCHIVE).with_extension("new");
    let log = home.join("log");
    let out = fs::File::create(&log).map_err(Error::io(log.display()))?;
    let mut child = machine(Profile::Test)
        .arg(format!("-XX:ArchiveClassesAtExit={}", new.display()))
        .arg("-cp")
        .arg(class_path(&folder.join("root"))?)
        .args(arguments(&home, &data, port)?)
        .current_dir(&data)
        .stdin(Stdio::null())
        .stderr(out.try_clone().map_err(Error::io(log.display()))?)
        .stdout(out)
        .spawn()
        .map_err(Error::io("java"))?;
    let ended = || instance::ended(Product::Kafka, &log, "ended too early");
    let process = OsProcess::of(child.id()).ok_or_else(ended)?;
    let leash = Leash::tie(&process)?;
    let started = Instant::now();
    while !instance::answers(Product::Kafka, port) && process.is_alive() && started.elapsed() < REHEARSAL_MAX {
        thread::sleep(Duration::from_millis(50));
    }
    let stopped = process.stop();
    let _ = child.wait(); // what it has written is looked at
    drop(leash);
    stopped?;
    if !new.exists() {
        return Err(ended());
    }
    fs::rename(&new, folder.join(ARCHIVE)).map_err(Error::io(new.display()))?;
    remove_folder(&home)
}

/// The Java machine of a server. In tests many short-lived ones share a small machine, so that compiling well is not worth it.
fn machine(profile: Profile) -> Command {
    let mut java = Command::new("java");
    java.args(["-server", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData", "-Djava.awt.headless=true"]);
    match profile {
        Profile::Test => java.args(["-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]),
        Profile::Speed => java.args(["-Xms512m", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]),
    };
    java
}

fn shared_classes(folder: &Path) -> Option<String> {
    let archive = folder.join(ARCHIVE);
    archive.exists().then(|| format!("-XX:SharedArchiveFile={}", archive.display()))
}

/// Every jar by name, in an order that does not change: the archive of classes is good for no other.
fn class_path(root: &Path) -> Result<String> {
    let jars = jars(root)?;
    Ok(jars.iter().map(|jar| jar.display().to_string()).collect::<Vec<_>>().join(":"))
}

fn jars(root: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root).map_err(Error::io(root.display()))?;
    let mut jars: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    jars.retain(|path| path.extension().is_some_and(|extension| extension == "jar"));
    jars.sort();
    Ok(jars)
}

fn configure(settings: &Path, data: &Path, port: u16) -> Result<()> {
    let controller = free_port_beside(port)?;
    let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
    let text = format!(
        "{SETTINGS}listeners={listeners}\nadvertised.listeners={listeners}\n\
         controller.quorum.bootstrap.servers=127.0.0.1:{controller}\nlog.dirs={}\n",
        data.display()
    );
    fs::write(settings, text).map_err(Error::io(settings.display()))
}

/// A new cluster's name: 128 random bits in Kafka's writing, which is base 64 for URLs. It never begins with a hyphen.
fn cluster_id() -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let half = |salt: u8| u128::from(RandomState::new().hash_one(salt));
    let bits = ((half(1) << 64) | half(2)) >> 1; // the first digit is below 32 then
    (0..22_u32)
        .map(|digit| {
            let shifted = if digit < 21 { bits >> (122 - 6 * digit) } else { bits << 4 };
            let index = usize::try_from(shifted & 63).unwrap_or(0);
            char::from(DIGITS.get(index).copied().unwrap_or(b'A'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clusters_name_is_22_digits_and_no_other_has_it() {
        let (one, two) = (cluster_id(), cluster_id());
        assert_eq!((one.len(), two.len()), (22, 22));
        assert_ne!(one, two);
        assert!(one.chars().next().unwrap().is_ascii_alphabetic());
        assert!(['A', 'Q', 'g', 'w'].contains(&one.chars().last().unwrap()), "{one}: four bits are padding");
    }

    #[test]
    fn the_project_names_its_three_dependencies_and_no_host() {
        let pom = pom();
        assert_eq!(pom.matches("<dependency>").count(), 3);
        assert!(!pom.contains("<url>") && !pom.contains("<repository>"));
    }
}
