//! SHELL. One Seawall node as a process.
//!
//! Owns: configuration, the command line, listeners, threads, signals, and who is given what at the start. Decides
//! nothing about requests: that is the pipeline's.

mod certificate;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dev;
pub mod logging;
pub mod node;
pub mod run;

pub use node::{Node, Running, Shared};
