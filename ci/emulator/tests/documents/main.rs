//! The documents of the repository: what they show is run, what they link to is there, and they can be read at a
//! terminal's width.

mod commands;
mod links;
mod repository;
mod run;
mod shown;
mod width;
mod words;
