//! `hold device KEY` keeps an endpoint's device open, `hold dma-buf KEY` only a dma-buf of it, with no file of the
//! device, until the standard input ends. What was written into the dma-buf must then still be in it.
//!
//! A test of modules and drivers: neither may go away, or take the memory along, while it is in use.

use std::error::Error;
use std::io::Read;
use std::os::fd::AsFd;

use device::{Endpoint, ExportFlags, System, inventory};
use uapi::memory::{Access, Mapping, Sharing, Window};

const SIZE: u64 = 65536;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, key] = words.as_slice() else { return Err("usage: hold device|dma-buf KEY".into()) };
    let found = inventory::find(&System::at("/"));
    let endpoint = found.iter().find(|endpoint| endpoint.key == *key).ok_or_else(|| format!("there is no '{key}'"))?;
    match what.as_str() {
        "device" => device(endpoint),
        "dma-buf" => dma_buf(endpoint),
        other => Err(format!("there is no '{other}' to hold: device or dma-buf").into()),
    }
}

fn device(endpoint: &Endpoint) -> Result<(), Box<dyn Error>> {
    let _device = inventory::open(endpoint)?;
    until_told("device")?;
    println!("released the device");
    Ok(())
}

fn dma_buf(endpoint: &Endpoint) -> Result<(), Box<dyn Error>> {
    let device = inventory::open(endpoint)?;
    let buffer = device.allocate(SIZE)?;
    let file = buffer.export(ExportFlags { writable: true, close_on_exec: true })?;
    let window = Window { offset: 0, len: usize::try_from(SIZE)? };
    let map = || Mapping::of_file(file.as_fd(), window, Access::ReadWrite, Sharing::Shared);
    let places = (0..window.len).step_by(uapi::memory::page_size());
    let mapping = map()?;
    places.clone().for_each(|at| mapping.write_word(at, at as u64 + 1));
    // A mapping would keep the dma-buf's file open, and the buffer the device's.
    drop((mapping, buffer, device));
    until_told("dma-buf")?;
    let mapping = map()?;
    match places.clone().find(|&at| mapping.read_word(at) != at as u64 + 1) {
        None => println!("the dma-buf is as it was"),
        Some(at) => println!("byte {at} of the dma-buf has changed"),
    }
    Ok(())
}

fn until_told(what: &str) -> std::io::Result<()> {
    println!("holding the {what}");
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
