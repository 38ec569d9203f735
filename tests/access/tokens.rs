//! Tokens of an identity provider: which are taken, as whom, and what a changed key set does.

use std::{fs, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hwan::{
    access::{
        allowance::{Allowances, Pace},
        jwt::verifier::Verifier,
        refused::Refused,
        role::{Role, Roles},
    },
    config::{Config, Overrides},
};
use hwan_domain::time::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    bank::{Bank, SOON},
    provider::{AUDIENCE, Served, SigningKey, but, claims_at, configuration, key_set, now, ok},
};

const AT: u64 = 1_800_000_000;

/// A verifier with these keys; its clock stands at [`AT`].
struct Verified {
    verifier: Verifier,
    allowances: Allowances,
}

impl Verified {
    fn with(keys: &[&SigningKey], more: &str) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, format!("{}{more}", configuration("keys.json")).as_bytes()).unwrap();
        let config = Config::load(&Overrides { file: Some(file.path().to_owned()), ..Overrides::default() }).unwrap();
        let verifier = Verifier::new(&config.access.jwt);
        verifier.take_key_set(key_set(keys).as_bytes()).unwrap();
        Self { verifier, allowances: Allowances::new(Pace::new(1, 1)) }
    }

    fn verify_at(&self, seconds: u64, token: &str) -> Result<(String, Roles), Refused> {
        let now = Timestamp::from_micros(i64::try_from(seconds).unwrap() * 1_000_000);
        let principal = match self.verifier.recall(token.as_bytes(), now) {
            Some(principal) => principal,
            None => self.verifier.verify(token.as_bytes(), now, &self.allowances)?,
        };
        Ok((principal.name.to_string(), principal.roles))
    }

    fn verify(&self, token: &str) -> Result<(String, Roles), Refused> {
        self.verify_at(AT, token)
    }
}

#[test]
fn a_token_is_taken_by_each_algorithm_as_the_caller_that_it_names() {
    for algorithm in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let key = SigningKey::new("k1", algorithm);
        let verified = Verified::with(&[&key], "");
        let token = key.sign(&claims_at(AT));
        let expected = Ok(("jwt:app-7".to_owned(), Roles::of(&[Role::Auditor])));
        assert_eq!(verified.verify(&token), expected, "{algorithm:?}");
        // From memory the same, and no longer than it is good.
        assert_eq!(verified.verify_at(AT + 299, &token), expected, "{algorithm:?}");
        assert_eq!(verified.verify_at(AT + 300, &token), Err(Refused::ExpiredToken), "{algorithm:?}");
        // One changed letter anywhere is another token.
        for at in (0..token.len()).step_by(11) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(changed == token || verified.verify(&changed).is_err(), "{algorithm:?} {at}");
        }
    }
}

#[test]
fn what_a_token_has_to_say_is_said_or_it_is_refused() {
    let key = SigningKey::new("k1", Algorithm::EdDSA);
    let verified = Verified::with(&[&key], "");
    let good = claims_at(AT);
    for (claim, value, why) in [
        ("exp", json!(null), Refused::ExpiredToken),
        ("exp", json!(AT), Refused::ExpiredToken),
        ("exp", json!(-1), Refused::ExpiredToken),
        ("exp", json!("2030-01-01"), Refused::ForeignToken),
        ("nbf", json!(AT + 1), Refused::ExpiredToken),
        ("iss", json!(null), Refused::ForeignToken),
        ("iss", json!("https://id.other.example"), Refused::ForeignToken),
        ("iss", json!(["https://id.bank.example"]), Refused::ForeignToken),
        ("aud", json!(null), Refused::ForeignToken),
        ("aud", json!("another"), Refused::ForeignToken),
        ("aud", json!(["another", "hwan2"]), Refused::ForeignToken),
        ("aud", json!([]), Refused::ForeignToken),
        ("sub", json!(null), Refused::NamelessToken),
        ("sub", json!(""), Refused::NamelessToken),
        ("sub", json!("a b"), Refused::NamelessToken),
        ("sub", json!("é"), Refused::NamelessToken),
        ("sub", json!("s".repeat(129)), Refused::NamelessToken),
        ("sub", json!(7), Refused::ForeignToken),
    ] {
        assert_eq!(verified.verify(&key.sign(&but(&good, claim, value.clone()))), Err(why), "{claim} {value}");
    }
    for (claim, value) in [
        ("nbf", json!(AT)),
        ("exp", json!(1_800_000_000.75_f64 + 1.0)),
        ("aud", json!(["another", AUDIENCE])),
        ("sub", json!("s".repeat(128))),
        ("iat", json!("whatever")),
    ] {
        assert!(verified.verify(&key.sign(&but(&good, claim, value.clone()))).is_ok(), "{claim} {value}");
    }
}

#[test]
fn roles_are_those_texts_of_the_claim_that_are_roles() {
    let key = SigningKey::new("k1", Algorithm::EdDSA);
    let good = claims_at(AT);
    let roles = |verified: &Verified, claims: &Value| verified.verify(&key.sign(claims)).unwrap().1;
    let verified = Verified::with(&[&key], "");
    for (value, expected) in [
        (json!(["teller", "king", 7, "ops"]), Roles::of(&[Role::Teller, Role::Ops])),
        (json!("rates approver openid"), Roles::of(&[Role::Rates, Role::Approver])),
        (json!(["Teller", "teller ops"]), Roles::NONE),
        (json!({ "teller": true }), Roles::NONE),
        (json!(null), Roles::NONE),
    ] {
        assert_eq!(roles(&verified, &but(&good, "roles", value.clone())), expected, "{value}");
    }
    let nested = Verified::with(&[&key], "roles_claim = \"realm_access.roles\"");
    let claims = but(&good, "realm_access", json!({ "roles": ["teller"] }));
    assert_eq!(roles(&nested, &claims), Roles::of(&[Role::Teller]));
    let named = Verified::with(&[&key], "roles_claim = \"https://bank.example/roles\"");
    assert_eq!(roles(&named, &but(&good, "https://bank.example/roles", json!(["ops"]))), Roles::of(&[Role::Ops]));
}

/// A token that nobody signed, or that an attacker did with what is public.
fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()), part(signature))
}

#[test]
fn a_token_cannot_choose_how_it_is_verified() {
    let (rsa, ed) = (SigningKey::new("rsa", Algorithm::RS256), SigningKey::new("ed", Algorithm::EdDSA));
    let verified = Verified::with(&[&rsa, &ed], "");
    let good = claims_at(AT);
    for algorithm in ["none", "None", "NONE", "", "HS256", "RS512", "ES384"] {
        for id in ["rsa", "ed"] {
            let header = json!({ "alg": algorithm, "kid": id, "typ": "JWT" });
            assert!(verified.verify(&forged(&header, &good, b"")).is_err(), "{algorithm} {id}");
        }
    }
    // What is public of a key is no secret to sign with, in whatever form.
    for public in [rsa.public["n"].as_str().unwrap(), ed.public["x"].as_str().unwrap()] {
        for secret in [public.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(public).unwrap()] {
            for id in ["rsa", "ed"] {
                let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::HS256) };
                let token = jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(&secret)).unwrap();
                assert_eq!(verified.verify(&token), Err(Refused::UntrustedToken));
            }
        }
    }
    // A key signs by its own algorithm only: this one's `alg` is RS256.
    let header = Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::PS256) };
    assert_eq!(verified.verify(&rsa.sign_as(&header, &good)), Err(Refused::UntrustedToken));
    // One key under another's id, a key of nobody's, and one that the token brings along.
    let header = |id: &str| Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::EdDSA) };
    let stranger = SigningKey::new("ed", Algorithm::EdDSA);
    assert_eq!(verified.verify(&stranger.sign(&good)), Err(Refused::WrongSignature));
    assert_eq!(verified.verify(&stranger.sign_as(&header("new"), &good)), Err(Refused::UnknownSigner));
    let brought = Header { jwk: serde_json::from_value(stranger.public.clone()).ok(), ..header("ed") };
    assert_eq!(verified.verify(&stranger.sign_as(&brought, &good)), Err(Refused::WrongSignature));
    // Without an id, and with a header that asks for more than is understood.
    let nameless = Header::new(Algorithm::EdDSA);
    assert_eq!(verified.verify(&ed.sign_as(&nameless, &good)), Err(Refused::UntrustedToken));
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..header("ed") };
    assert_eq!(verified.verify(&ed.sign_as(&critical, &good)), Err(Refused::UntrustedToken));
    for malformed in ["", "..", "a.b.c", "a.b", "a.b.c.d", &"x".repeat(10_000), &format!("{}.", ed.sign(&good))] {
        assert!(verified.verify(malformed).is_err(), "{malformed}");
    }
    // An algorithm that the configuration does not list is none.
    let only_rsa = Verified::with(&[&rsa, &ed], "algorithms = [\"RS256\"]");
    assert!(only_rsa.verify(&rsa.sign(&good)).is_ok());
    assert_eq!(only_rsa.verify(&ed.sign(&good)), Err(Refused::UnknownSigner));
}

#[test]
fn a_key_that_left_the_set_verifies_nothing_more_not_even_what_it_had() {
    let (old, new) = (SigningKey::new("old", Algorithm::EdDSA), SigningKey::new("new", Algorithm::EdDSA));
    let verified = Verified::with(&[&old], "");
    let token = old.sign(&claims_at(AT));
    assert!(verified.verify(&token).is_ok());
    verified.verifier.take_key_set(key_set(&[&new]).as_bytes()).unwrap();
    assert_eq!(verified.verify(&token), Err(Refused::UnknownSigner));
    assert!(verified.verifier.take_key_set(b"{}").is_err());
    assert!(verified.verify(&new.sign(&claims_at(AT))).is_ok());
}

#[tokio::test]
async fn a_running_server_takes_tokens_beside_keys_and_learns_of_a_new_key_by_the_token_that_names_it() {
    let (old, new) = (SigningKey::new("old", Algorithm::ES256), SigningKey::new("new", Algorithm::RS256));
    let served = Arc::new(Served::new(&key_set(&[&old])).await);
    let bank = Bank::open(&configuration(&served.url())).await;
    assert_eq!((served.asked(), bank.status(&bank.token()).await), (1, 200));
    let claims = claims_at(now());
    assert_eq!(bank.status(&old.sign(&claims)).await, 200);
    for bad in [but(&claims, "aud", json!("another")), but(&claims, "exp", json!(now() - 1))] {
        assert_eq!(bank.ask(&old.sign(&bad)).await.problem(), (401, "unauthorized".to_owned()));
    }
    let line = bank.noted(|line| line["detail"] == "foreign_token").await;
    assert_eq!(line["status"], 401);
    // The set turns; the first token of the new key has it read again, and waits for that.
    *served.answer.lock().unwrap() = ok(&key_set(&[&old, &new]));
    assert_eq!(bank.status(&new.sign(&claims)).await, 200, "{}", bank.said());
    assert_eq!(served.asked(), 2);
    // Keys of nobody's do not have it read over and over.
    let strange = SigningKey::new("strange", Algorithm::ES256);
    for _ in 0..20 {
        assert_eq!(bank.status(&strange.sign(&claims)).await, 401);
    }
    assert_eq!(served.asked(), 2);
    assert_eq!(bank.status(&old.sign(&claims)).await, 200);
}

#[tokio::test]
async fn a_provider_that_fails_leaves_the_last_good_set() {
    let key = SigningKey::new("k1", Algorithm::EdDSA);
    for broken in [
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ok("{\"keys\":[]}"),
        ok(&format!("{{\"keys\":[\"{}\"]}}", "x".repeat(400_000))),
        "nonsense".to_owned(),
    ] {
        let served = Served::new(&key_set(&[&key])).await;
        let bank = Bank::open(&configuration(&served.url())).await;
        *served.answer.lock().unwrap() = broken.clone();
        // A strange key has the set read again.
        let strange = SigningKey::new("strange", Algorithm::EdDSA);
        assert_eq!(bank.status(&strange.sign(&claims_at(now()))).await, 401, "{broken:.40}");
        assert_eq!(served.asked(), 2);
        assert_eq!(bank.status(&key.sign(&claims_at(now()))).await, 200, "{broken:.40}");
        assert!(bank.said().contains("the last good one stays"), "{}", bank.said());
    }
}

#[tokio::test]
async fn a_key_set_in_a_file_is_read_at_start_and_a_missing_one_is_refused() {
    let key = SigningKey::new("k1", Algorithm::EdDSA);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    fs::write(&path, key_set(&[&key])).unwrap();
    let mut bank = Bank::open(&configuration(path.to_str().unwrap())).await;
    assert_eq!(bank.status(&key.sign(&claims_at(now()))).await, 200);
    bank.stop().await;
    fs::remove_file(&path).unwrap();
    let (code, said) = bank.refused(&[]);
    assert!(code == 1 && said.contains("keys.json"), "{said}");
    let bank = Bank::new(&configuration("http://id.bank.example/keys"));
    let (code, said) = bank.refused(&[]);
    assert!(code == 2 && said.contains("https"), "{said}");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_does_not_keep_the_bank_from_opening() {
    let bank = Bank::open(&configuration("http://127.0.0.1:1/keys")).await;
    assert_eq!(bank.status(&bank.token()).await, 200);
    let key = SigningKey::new("k1", Algorithm::EdDSA);
    let refused = tokio::time::timeout(SOON, bank.status(&key.sign(&claims_at(now())))).await;
    assert_eq!(refused.unwrap(), 401);
}
