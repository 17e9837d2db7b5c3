//! A journal on its way to a farm: HTTP PUT, compressed, with a digest, again where the network fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The name that is added to a URL that ends with a slash.
const NAME: &str = "run.jsonl.gz";
/// The bearer token (RFC 6750): only the environment has it, neither the command line nor a log.
const TOKEN: &str = "PRIME_CTS_UPLOAD_TOKEN";
/// The waits between attempts, in seconds: a server that is started again is back in this time.
const WAITS: [u64; 4] = [1, 2, 4, 8];
/// For one attempt.
const PATIENCE: Duration = Duration::from_secs(60);

/// A journal that did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The journal is not there.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The server does not take it, now and later.
    #[error("cannot put the results to {url}: {why}; they are in {path}")]
    Put {
        /// Where to.
        url: String,
        /// The answer of the server or of the network.
        why: String,
        /// Where they are.
        path: PathBuf,
    },
}

/// Puts a journal to a URL, and says where it is then.
///
/// # Errors
/// See [`UploadError`].
pub fn put(url: &str, path: &Path) -> Result<String, UploadError> {
    let read = |source| UploadError::Read { path: path.to_owned(), source };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&std::fs::read(path).map_err(read)?).map_err(read)?;
    let body = encoder.finish().map_err(read)?;
    let url = if url.ends_with('/') { format!("{url}{NAME}") } else { url.to_owned() };
    // RFC 9530.
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
    let token = std::env::var(TOKEN).ok();
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
    let agent = ureq::Agent::new_with_config(config);
    let mut waits = WAITS.iter();
    loop {
        let mut request = agent.put(&url).header("Content-Type", "application/gzip").header("Content-Digest", &digest);
        if let Some(token) = &token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let (why, final_word) = match request.send(&body) {
            Ok(answer) if answer.status().is_success() => return Ok(url),
            Ok(answer) => (answer.status().to_string(), !later(answer.status().as_u16())),
            Err(error) => (error.to_string(), matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_))),
        };
        match waits.next().filter(|_| !final_word) {
            Some(&seconds) => std::thread::sleep(Duration::from_secs(seconds)),
            None => return Err(UploadError::Put { url, why, path: path.to_owned() }),
        }
    }
}

/// Returns whether the same request may be taken later: 408, 425, 429 and what is the server's own trouble (RFC 9110).
fn later(status: u16) -> bool {
    matches!(status, 408 | 425 | 429) || status >= 500
}
