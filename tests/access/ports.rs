//! The two ports: who may reach them, and by which names.

use std::net::TcpListener;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::bank::{Bank, get};

#[tokio::test]
async fn health_is_on_the_admin_port_alone_and_the_api_is_not_there() {
    let bank = Bank::open("").await;
    for path in ["/livez", "/readyz", "/version", "/metrics"] {
        assert_eq!(bank.ask_admin(path).await.status, 200, "{path}");
        let on_api = bank.send(bank.api(), get(path)).await;
        assert_eq!(on_api.problem(), (404, "not_found".to_owned()), "{path}");
    }
    for path in ["/v1/rates", "/clock"] {
        assert_eq!(bank.ask_admin(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    assert!(bank.said().contains(&format!("health, version and metrics are on http://{}", bank.admin())));
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let bank = Bank::open("[server]\nhosts = [\"fx.bank.example\"]").await;
    let token = bank.token();
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:9", 200),
        ("FX.bank.example:443", 200),
        ("attacker.example", 421),
        ("127.0.0.1.attacker.example:8080", 421),
        ("10.0.0.1", 421),
        ("localhost:8080x", 421),
    ] {
        for to in [bank.api(), bank.admin()] {
            let path = if to == bank.api() { "/v1/rates" } else { "/readyz" };
            let request = hyper::Request::get(path).header("host", host);
            let answer = bank.send(to, request.header("authorization", format!("Bearer {token}"))).await;
            assert_eq!(answer.status, status, "{host}: {answer:?}");
            if status == 421 {
                assert_eq!(answer.problem().1, "host_not_allowed");
            }
        }
    }
    for (head, status, code) in [
        ("GET /readyz HTTP/1.1\r\n", 400, ""),
        ("GET /readyz HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n", 400, ""),
        ("GET http://attacker.example/readyz HTTP/1.1\r\nHost: localhost\r\n", 421, "host_not_allowed"),
        ("GET /readyz HTTP/1.0\r\n", 200, "ready"),
    ] {
        let answer = raw(&bank, &format!("{head}Connection: close\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.{} {status}", u8::from(status != 200))), "{head}: {answer}");
        assert!(answer.contains(code), "{head}: {answer}");
    }
}

async fn raw(bank: &Bank, request: &str) -> String {
    let mut stream = TcpStream::connect(bank.admin()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn nothing_but_loopback_is_listened_on_without_tls() {
    let bank = Bank::new("");
    for option in ["--listen", "--admin-listen"] {
        let (code, said) = bank.refused(&[option, "0.0.0.0:0"]);
        assert_eq!(code, 2, "{said}");
        for word in ["0.0.0.0:0", "server.tls.certificate", "loopback", "proxy"] {
            assert!(said.contains(word), "{said}");
        }
    }
    assert!(!bank.data().exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_chooses_another() {
    let bank = Bank::new("");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--admin-listen", "--listen"] {
        let (code, said) = bank.refused(&[option, &address]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&address) && said.contains(&format!("choose another with {option}")), "{said}");
    }
}
