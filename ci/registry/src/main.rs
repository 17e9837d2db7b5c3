//! `cargo run -p registry -- SOURCE...`: writes the lists in `fixtures/trees` again, and says where the registry differs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use registry::source::SourceError;
use spec::registry::Registry;
use spec::yaml::Diagnostic;

/// Captures from kernel sources which functions are their map_dma_buf and get_sg_table, and holds
/// fixtures/map_dma_buf.yaml against them.
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: 0: the registry agrees; 1: it differs; 2: something cannot be read or written.")]
struct Line {
    /// Folders, or Debian's linux-source-*.tar.xz.
    #[arg(required = true)]
    sources: Vec<PathBuf>,
    /// The folder of the lists.
    #[arg(long, value_name = "DIR", default_value = "fixtures/trees")]
    output: PathBuf,
    /// The registry.
    #[arg(long, value_name = "FILE", default_value = "fixtures/map_dma_buf.yaml")]
    registry: PathBuf,
    /// Says where the registry differs, and writes nothing.
    #[arg(long)]
    check: bool,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{0}")]
    Registry(Diagnostic),
    #[error("cannot read {path}: {source}; start in the top folder of the repository, or give --registry")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("cannot write {path}: {source}; start in the top folder of the repository, or give --output")]
    Unwritten { path: PathBuf, source: std::io::Error },
}

fn main() -> ExitCode {
    match run(&Line::parse()) {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
        Ok(differences) => {
            differences.iter().for_each(|difference| println!("{difference}"));
            ExitCode::from(1)
        }
        Err(trouble) => {
            eprintln!("registry: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn run(line: &Line) -> Result<Vec<String>, Trouble> {
    let registry = read(&line.registry)?;
    let mut differences = Vec::new();
    for source in &line.sources {
        for list in registry::capture(source)? {
            let path = line.output.join(list.file_name());
            println!("{}: {} in Linux {}", list.hook.word(), list.found.len(), list.kernel);
            if !line.check {
                std::fs::write(&path, list.to_string()).map_err(|source| Trouble::Unwritten { path, source })?;
            }
            differences.extend(registry.differences(&list));
        }
    }
    Ok(differences)
}

fn read(path: &Path) -> Result<Registry, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|source| Trouble::Unreadable { path: path.to_owned(), source })?;
    Registry::parse(path, &text).map_err(Trouble::Registry)
}
