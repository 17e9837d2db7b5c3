//! A journal that is put to a server, through the program, on mocks.

mod program;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use program::Place;
use sha2::{Digest, Sha256};

/// What a server was asked: the lines of the head, and the body.
struct Asked {
    head: Vec<String>,
    body: Vec<u8>,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&String| line.to_lowercase().starts_with(&format!("{name}: "));
        self.head.iter().find(named).map(|line| line.split_once(": ").unwrap().1)
    }
}

/// Starts a server on loopback that answers this many requests with these, and returns its address.
fn server(answers: &'static [&str]) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/job/7/", listener.local_addr().unwrap());
    let serve = move || {
        let one = |answer: &&str| {
            let mut stream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let lines = reader.by_ref().lines().map(Result::unwrap);
            let mut asked = Asked { head: lines.take_while(|line| !line.is_empty()).collect(), body: Vec::new() };
            let length = asked.header("content-length").unwrap().parse().unwrap();
            reader.take(length).read_to_end(&mut asked.body).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            asked
        };
        answers.iter().map(one).collect()
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn a_journal_arrives_whole_though_the_server_was_in_trouble_once() {
    let place = Place::new();
    let (url, server) = server(&["503 Service Unavailable", "201 Created"]);
    let mut program = place.command("run --mock clean --kernel-log kernel-log --output out fd. --upload");
    let said = program.arg(&url).env("PRIME_CTS_UPLOAD_TOKEN", "s3cret").output().unwrap();
    assert_eq!(said.status.code(), Some(0), "{said:?}");
    let asked = server.join().unwrap();
    assert_eq!(asked.len(), 2);
    let last = &asked[1];
    assert_eq!(last.head[0], "PUT /job/7/run.jsonl.gz HTTP/1.1");
    assert_eq!(last.header("authorization"), Some("Bearer s3cret"));
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&last.body)));
    assert_eq!(last.header("content-digest"), Some(digest.as_str()));
    place.file("arrived.gz", &last.body);
    assert_eq!(place.run("report arrived.gz --output again").code, Some(0));
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(read("again/junit.xml"), read("out/junit.xml"));
    let told = [said.stdout, said.stderr, fs::read(place.path("out/run.jsonl")).unwrap()].concat();
    assert!(!String::from_utf8_lossy(&told).contains("s3cret"));
}

#[test]
fn a_journal_that_nobody_takes_is_told_of_and_kept() {
    let place = Place::new();
    let (url, server) = server(&["403 Forbidden"]);
    let said = place.mock("clean", &format!("fd. --upload {url}"));
    said.fails(4, &["cannot put the results to http://127.0.0.1:", "403 Forbidden", "they are in out/run.jsonl"]);
    assert_eq!(server.join().unwrap().len(), 1, "what is forbidden is not asked for again");
    // A run that is red stays so.
    let said = place.mock("wrong-page", "mapping. --upload nowhere:");
    said.fails(1, &["cannot put the results to nowhere:"]);
}
