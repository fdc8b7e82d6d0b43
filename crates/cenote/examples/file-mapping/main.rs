//! A text in a named file mapping, which one process writes and another one reads.
//!
//!     cargo run -q -p cenote --example file-mapping -- server
//!     cargo run -q -p cenote --example file-mapping -- client
//!
//! `classic.cpp` beside this is the same on `CreateFileMapping`. Each half works with the other's. On systems
//! other than Windows both say that there are no such mappings.

use std::error::Error;
use std::io;
use std::process::exit;

use cenote::Segment;

const NAME: &str = r"Local\SampleMap";
const MAP_SIZE: u64 = 65536;
const VIEW_SIZE: u64 = 1024;
const MESSAGE: &str = "Message from the first process.";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["server"] => server(NAME),
        ["server", name] => server(name),
        ["client"] => client(NAME),
        ["client", name] => client(name),
        _ => {
            eprintln!("usage: file-mapping server|client [NAME]");
            exit(2)
        }
    }
}

fn server(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::options().range(..VIEW_SIZE).create(format!("windows:{name}"), MAP_SIZE)?;
    let text: Vec<u8> = MESSAGE.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    segment.write_at(0, &text)?;
    println!("server: wrote it; Enter cleans up");
    io::stdin().read_line(&mut String::new())?;
    Ok(segment.detach()?)
}

fn client(name: &str) -> Result<(), Box<dyn Error>> {
    let segment = Segment::options().read_only().range(..VIEW_SIZE).attach(format!("windows:{name}"))?;
    // A copy of known length: whoever has the mapping may leave out the NUL, or write on.
    let bytes = segment.read_to_vec(..)?;
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: Vec<u16> = units.take_while(|&unit| unit != 0).collect();
    println!("{}", String::from_utf16_lossy(&text));
    Ok(segment.detach()?)
}
