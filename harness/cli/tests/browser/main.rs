//! report.html in a real browser: Chromium, without a window. `ci/test` installs what it takes.

mod access;
mod driver;
mod filters;
mod keyboard;
mod network;
mod page;
mod pictures;
mod print;
#[path = "../program/mod.rs"]
mod program;
mod without_scripts;
