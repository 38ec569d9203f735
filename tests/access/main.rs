//! Who is let in, as those see it who run hwan and those who call it: the program as a process, with its command line,
//! its files and its two ports. `bank` is the only file that knows how to start one and how to speak to it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod audit;
mod bank;
mod clock;
mod keys;
mod limits;
mod ports;
mod provider;
mod tls;
mod tokens;
