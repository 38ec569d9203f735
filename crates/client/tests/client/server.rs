//! A scripted server: a list of acts, one for each request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hwan_client::{Client, ClientConfig, ServerAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

/// What the server does with each request, connection by connection.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these bytes.
    Answer(String),
    /// Writes these bytes and closes.
    AnswerAndClose(String),
    /// Writes these bytes one by one, with pauses.
    Dribble(String),
    /// Closes without a word.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
}

pub(crate) struct Server {
    pub(crate) addr: ServerAddr,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) requests: Arc<std::sync::Mutex<Vec<String>>>,
}

/// A server that takes one act per request, in turn, over all connections; closes once they are used up.
pub(crate) async fn serve(acts: Vec<Act>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = ServerAddr::loopback(&format!("http://{}", listener.local_addr().unwrap())).unwrap().with_token("t0k3n");
    let connections = Arc::new(AtomicUsize::new(0));
    let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (accepted, seen) = (connections.clone(), requests.clone());
    let acts = Arc::new(std::sync::Mutex::new(acts.into_iter()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            accepted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(connection(stream, acts.clone(), seen.clone()));
        }
    });
    Server { addr, connections, requests }
}

/// Takes its acts over one connection, of whatever kind.
pub(crate) async fn connection(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    acts: Arc<std::sync::Mutex<std::vec::IntoIter<Act>>>,
    seen: Arc<std::sync::Mutex<Vec<String>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        seen.lock().unwrap().push(request);
        let act = acts.lock().unwrap().next();
        match act {
            Some(Act::Answer(text)) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
            Some(Act::AnswerAndClose(text)) => return stream.write_all(text.as_bytes()).await.unwrap(),
            Some(Act::Dribble(text)) => {
                for byte in text.bytes() {
                    stream.write_all(&[byte]).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
            Some(Act::Hang) => tokio::time::sleep(Duration::from_secs(60)).await,
            Some(Act::Close) | None => return,
        }
    }
}

async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap_or("0");
            if body.len() == length.parse::<usize>().unwrap() {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub(crate) fn json(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(crate) fn client(server: &Server) -> Client {
    Client::new(server.addr.clone(), ClientConfig { connections_max: 4, deadline: Duration::from_millis(300) })
}
