//! Servers of TLS: what they send is the same, but it comes in records, and nobody but libcurl can read it.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Run, Scene, run};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::ssl::{SslAcceptor, SslMethod, SslVersion};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// What a server that means harm sends behind a body: a response to a request that was not made.
const FORGED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

/// Answers on loopback, each answer in records of its own.
#[derive(Debug)]
struct TlsServer {
    address: SocketAddr,
    /// In PEM.
    certificate: Vec<u8>,
    connections: Arc<AtomicUsize>,
}

/// The records of the answer to the request for a path.
type Answer = fn(&str) -> Vec<String>;

/// Keeps what is written until it is flushed: several records then come at once.
struct Together(TcpStream, Vec<u8>);

impl Read for Together {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Together {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.write_all(&self.1)?;
        self.1.clear();
        Ok(())
    }
}

impl TlsServer {
    /// Starts one that speaks no version but this, and gives these answers; it lasts as long as the process.
    fn start(version: SslVersion, answer: Answer) -> Self {
        let (acceptor, certificate) = acceptor(version).expect("a certificate of our own");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = listener.local_addr().expect("its address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let acceptor = acceptor.clone();
                thread::spawn(move || serve(&acceptor, stream, answer));
            }
        });
        Self { address, certificate, connections }
    }

    /// Downloads these paths, one after another, and trusts the server.
    fn download(&self, scene: &Scene, options: &[&str], paths: &[&str]) -> Run {
        let file = tempfile::NamedTempFile::new().expect("a file for the certificate");
        fs::write(&file, &self.certificate).expect("the certificate");
        let urls = paths.iter().map(|path| format!("https://{}{path}", self.address));
        run(scene
            .command()
            .args(["-j", "1", "--retries", "0"])
            .args(options)
            .args(urls)
            .env("SSL_CERT_FILE", file.path()))
    }
}

/// Answers requests until the client hangs up.
fn serve(acceptor: &SslAcceptor, stream: TcpStream, answer: Answer) -> Option<()> {
    let mut stream = BufReader::new(acceptor.accept(Together(stream, Vec::new())).ok()?);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            (stream.read_line(&mut head).ok()? > 0).then_some(())?;
        }
        let answer = answer(head.split(' ').nth(1)?);
        let is_last = answer[0].contains("connection: close");
        let stream = stream.get_mut();
        for record in answer {
            stream.write_all(record.as_bytes()).ok()?;
        }
        stream.get_mut().flush().ok()?;
        if is_last {
            stream.shutdown().ok();
            stream.get_mut().flush().ok();
            return None;
        }
    }
}

/// A server's side of TLS, and the certificate that it shows.
fn acceptor(version: SslVersion) -> Result<(SslAcceptor, Vec<u8>), ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "a server of tests")?;
    let name = name.build();
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(&key)?;
    certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
    certificate.set_not_after(Asn1Time::days_from_now(1)?.as_ref())?;
    certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let address = SubjectAlternativeName::new().ip("127.0.0.1").build(&certificate.x509v3_context(None, None))?;
    certificate.append_extension(address)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    let certificate = certificate.build();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    acceptor.set_min_proto_version(Some(version))?;
    acceptor.set_max_proto_version(Some(version))?;
    acceptor.set_private_key(&key)?;
    acceptor.set_certificate(&certificate)?;
    Ok((acceptor.build(), certificate.to_pem()?))
}

/// A head for a body of four bytes.
fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n{more}\r\n")
}

#[test]
fn files_come_over_one_connection() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let server = TlsServer::start(version, |path| vec![head(""), format!("{path:/>4}")]);
        let scene = Scene::new();
        server.download(&scene, &[], &["/a", "/b", "/c"]).assert_code(0);
        assert_eq!(scene.names(), ["a", "b", "c"]);
        assert_eq!(scene.read("c"), b"///c");
        assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn a_large_file_comes_whole_when_it_has_to_wait_for_the_disk() {
    let answer: Answer = |_| vec!["HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n".into(), "x".repeat(1_000_000)];
    let server = TlsServer::start(SslVersion::TLS1_3, answer);
    let scene = Scene::new();
    // Slower than it comes, so that it waits in the pipe.
    server.download(&scene, &["--limit-rate", "2M"], &["/a", "/b"]).assert_code(0);
    assert_eq!(scene.read("a"), scene.read("b"));
    assert_eq!(scene.read("b"), "x".repeat(1_000_000).as_bytes());
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
}

#[test]
fn a_body_longer_than_announced_is_refused() {
    let empty: Answer = |_| vec!["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into(), "X".into()];
    let chunked: Answer = |_| {
        vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".into(), "1\r\na\r\n0\r\n\r\n".into(), "X".into()]
    };
    let in_one: Answer = |_| vec!["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nX".into()];
    let answers: [(&str, Answer); 8] = [
        ("in the record of the body", |_| vec![head(""), "bodyX".into()]),
        ("in the record of all", |_| vec![head("") + "bodyX"]),
        ("in a record of its own", |_| vec![head(""), "body".into(), "X".into()]),
        ("behind a whole answer in one record", |_| vec![head("") + "body", "X".into()]),
        ("where nothing was to come", empty),
        ("behind the last chunk", chunked),
        ("in the record of the last chunk", in_one),
        ("with an end behind it", |_| vec![head("connection: close\r\n"), "body".into(), "X".into()]),
    ];
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        for (place, answer) in answers {
            let scene = Scene::new();
            let run = TlsServer::start(version, answer).download(&scene, &[], &["/a"]);
            assert_eq!(run.code, Some(1), "{place}: {run}");
            run.assert_failed("/a", "more came than was announced");
            assert!(scene.names().is_empty(), "{place}: {run}");
        }
    }
}

#[test]
fn what_is_behind_a_body_never_becomes_another_file() {
    let answer: Answer = |path| match path {
        "/long" => vec![head(""), "long".into(), FORGED.into()],
        "/empty" => vec!["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".into(), FORGED.into()],
        _ => vec![head(""), "good".into()],
    };
    let scene = Scene::new();
    let run = TlsServer::start(SslVersion::TLS1_3, answer).download(&scene, &[], &["/long", "/b", "/empty", "/c"]);
    run.assert_code(1);
    run.assert_failed("/long", "more came than was announced");
    run.assert_failed("/empty", "more came than was announced");
    assert_eq!(scene.names(), ["b", "c"], "{run}");
    assert_eq!(scene.read("b"), b"good");
    assert_eq!(scene.read("c"), b"good");
}
