//! One connection through the proxy: both directions in one task, so that a cut ends both at one point.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    packet::{Commits, Packets, ends_answer},
    plan::{Cut, Deed, Plan, Weather},
};

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// How long the answer to a COMMIT is waited for that is to be swallowed.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    On,
    Ended,
}

/// What a connection lost once it never gets back: going on in the midst of a packet would be another fault.
#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    requests: bool,
    answers: bool,
}

/// Forwards until either end closes, a cut strikes, or every connection is to end.
pub(super) async fn run(mut client: TcpStream, mut server: TcpStream, plan: &Plan) {
    let _ = client.set_nodelay(true); // a slower line is no error
    let _ = server.set_nodelay(true);
    let mut clearing = plan.clearing.subscribe();
    clearing.mark_unchanged();
    let weather = plan.weather.subscribe();
    let mut link = Link {
        packets: Packets::default(),
        commits: Commits::default(),
        lost: Lost::default(),
        client: &mut client,
        server: &mut server,
        plan,
    };
    let (mut from_client, mut from_server) = (vec![0; READ_BYTES], vec![0; READ_BYTES]);
    loop {
        let course = tokio::select! {
            _ = clearing.changed() => Course::Ended,
            read = link.client.read(&mut from_client) => {
                let bytes = read.ok().and_then(|read| from_client.get(..read)).unwrap_or_default();
                let now = *weather.borrow();
                // While a COMMIT is held, only the end of everything interrupts it.
                tokio::select! {
                    course = link.requests(bytes, now) => course.unwrap_or(Course::Ended),
                    _ = clearing.changed() => Course::Ended,
                }
            }
            read = link.server.read(&mut from_server) => {
                let bytes = read.ok().and_then(|read| from_server.get(..read)).unwrap_or_default();
                let now = *weather.borrow();
                link.answers(bytes, now).await.unwrap_or(Course::Ended)
            }
        };
        if course == Course::Ended {
            return; // both sockets close
        }
    }
}

struct Link<'a> {
    packets: Packets,
    commits: Commits,
    lost: Lost,
    client: &'a mut TcpStream,
    server: &'a mut TcpStream,
    plan: &'a Plan,
}

impl Link<'_> {
    /// What the client sent, packet by packet; nothing is its end.
    async fn requests(&mut self, bytes: &[u8], weather: Weather) -> io::Result<Course> {
        if bytes.is_empty() {
            return Ok(Course::Ended);
        }
        delay(weather).await;
        self.lost.requests |= weather == Weather::RequestsLost;
        self.packets.push(bytes);
        while let Some(packet) = self.packets.next() {
            if self.lost.requests {
                continue;
            }
            let deed = self.commits.see(&packet).and_then(|of| self.plan.commit(of));
            match deed {
                None => self.server.write_all(&packet).await?,
                Some(Deed::Hold(released)) => {
                    let _ = released.await; // dropped is released
                    self.server.write_all(&packet).await?;
                }
                Some(Deed::Cut(cut)) => return self.cut(cut, &packet).await,
            }
        }
        Ok(Course::On)
    }

    /// What the server sent; nothing is its end.
    async fn answers(&mut self, bytes: &[u8], weather: Weather) -> io::Result<Course> {
        if bytes.is_empty() {
            return Ok(Course::Ended);
        }
        delay(weather).await;
        self.lost.answers |= weather == Weather::AnswersLost;
        if !self.lost.answers {
            self.client.write_all(bytes).await?;
        }
        Ok(Course::On)
    }

    async fn cut(&mut self, cut: Cut, packet: &[u8]) -> io::Result<Course> {
        if cut == Cut::Before {
            return Ok(Course::Ended);
        }
        self.server.write_all(packet).await?;
        if cut == Cut::At {
            return Ok(Course::Ended);
        }
        let answer = timeout(ANSWER_MAX, self.whole_answer()).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if cut == Cut::Answered {
            self.client.write_all(&answer).await?;
        }
        Ok(Course::Ended)
    }

    /// Everything that the server says to the packet that was sent last.
    async fn whole_answer(&mut self) -> io::Result<Vec<u8>> {
        let (mut answer, mut packets) = (Vec::new(), Packets::default());
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = self.server.read(&mut buffer).await?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(bytes);
            packets.push(bytes);
            while let Some(packet) = packets.next() {
                if ends_answer(&packet) {
                    return Ok(answer);
                }
            }
        }
    }
}

async fn delay(weather: Weather) {
    if let Weather::Slow(by) = weather {
        tokio::time::sleep(by).await;
    }
}
