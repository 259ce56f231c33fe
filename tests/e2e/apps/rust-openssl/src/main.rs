//! Seals what it is sent: its SHA-256 sum, by the OpenSSL of the system.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use openssl::sha::sha256;

fn main() {
    let listener = TcpListener::bind("0.0.0.0:7200").expect("port 7200");
    for stream in listener.incoming().flatten() {
        let mut reader = BufReader::new(&stream);
        let (mut line, mut length) = (String::new(), 0usize);
        while reader.read_line(&mut line).unwrap_or(0) > 2 {
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        let sum: String = sha256(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        let _ = write!(&stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{}", sum.len(), sum);
    }
}
