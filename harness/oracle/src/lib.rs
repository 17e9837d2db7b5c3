//! What must hold while a buffer is shared, looked at from user space. An oracle here watches or checks and returns
//! what it saw as plain data; whether that is a pass, a failure or not observable is decided elsewhere.
//!
//! | module | what it sees |
//! |---|---|
//! | [`content`] | whether a mapping shows the bytes that were written, and if not, what it shows instead |
//! | [`dma`] | the DMA contract: what exporters and importers owe each other and no byte shows |
//! | [`kmsg`] | the kernel's log, for the reports of trouble that `kernel_log` finds in it |
//! | [`provenance`] | which `map_dma_buf` a buffer was exported with |
//! | [`trace`] | the probes in the kernel that `dma` and `provenance` see by |
//! | [`balance`] | open files, references and attachments: what was not released |
//! | [`pages`] | whether a mapping exposes struct pages |
//! | [`kernel_config`] | how the kernel was configured |
//!
//! Where a kernel does not let us look, the answer is [`NotAvailable`] or an absent value, never a good one.

pub mod balance;
pub mod content;
pub mod dma;
pub mod kernel_config;
pub mod kmsg;
pub mod not_available;
pub mod pages;
pub mod provenance;
pub mod trace;

pub use not_available::NotAvailable;
