//! A folder of finished things, each under a key made of its content. An entry is complete or absent:
//! it is made under a temporary name and renamed.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::error::{Error, Result};

/// The prefix of work in progress; what is left of it after a crash is swept away.
const UNFINISHED: &str = "unfinished-";

/// The cache of kernels, built drivers and package lists.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache where the environment wants it: outside `target`, so that `cargo clean` costs no download.
    ///
    /// # Errors
    /// When there is no home to put it in.
    pub fn from_environment(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<Self> {
        let folder = variable("PRIME_CTS_CACHE")
            .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("prime-cts")))
            .or_else(|| Some(variable("HOME")?.join(".cache/prime-cts")))
            .ok_or_else(|| Error::usage("there is no folder for the cache", "set PRIME_CTS_CACHE or HOME"))?;
        // Programs in it carry its path, wherever they are started.
        let folder = std::path::absolute(&folder).map_err(Error::file("find", &folder))?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the cache from being removed while entries are made. The first of several runs sweeps away what a crashed
    /// one left.
    ///
    /// # Errors
    /// When the folder cannot be made or locked.
    pub fn lock(&self) -> Result<Flock<File>> {
        let path = self.folder.join("lock");
        let sweeper = Flock::lock(self.lock_file("lock")?, FlockArg::LockExclusiveNonblock);
        match sweeper {
            Ok(alone) => {
                self.sweep()?;
                alone.relock(FlockArg::LockShared).map_err(not_locked(&path))?;
                Ok(alone)
            }
            // Someone is here, whose work in progress looks like what a crash leaves.
            Err((file, _)) => Flock::lock(file, FlockArg::LockShared).map_err(|(_, errno)| not_locked(&path)(errno)),
        }
    }

    /// Waits until no one else uses the cache, and keeps everyone out.
    ///
    /// # Errors
    /// When the folder cannot be made or locked.
    pub fn lock_alone(&self) -> Result<Flock<File>> {
        self.one_at_a_time("lock")
    }

    /// Keeps others from doing the same thing, by its name.
    ///
    /// # Errors
    /// When the folder cannot be made or locked.
    pub fn one_at_a_time(&self, name: &str) -> Result<Flock<File>> {
        let file = self.lock_file(name)?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| not_locked(&self.folder.join(name))(errno))
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
        File::create(&path).map_err(Error::file("create", &path))
    }

    fn sweep(&self) -> Result<()> {
        for left in fs::read_dir(&self.folder).map_err(Error::file("read", &self.folder))?.flatten() {
            if left.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_dir_all(left.path()).map_err(Error::file("remove", &left.path()))?;
            }
        }
        Ok(())
    }

    /// A folder on the same file system as the entries, gone when it is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> Result<TempDir> {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.folder)
            .map_err(Error::file("create a folder in", &self.folder))
    }

    /// The entry's folder; `fill` makes its content when it is not there yet.
    ///
    /// # Errors
    /// Those of `fill`, which leave no entry behind, and those of the file system.
    pub fn entry(&self, kind: &str, key: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let place = self.folder.join(kind).join(key);
        if place.is_dir() {
            return Ok(place);
        }
        // Whoever wants the same waits for it. Entries that are made of others form no circle.
        let _lock = self.one_at_a_time(&format!("locks/{kind}-{key}"))?;
        if place.is_dir() {
            return Ok(place);
        }
        let scratch = self.scratch()?;
        let content = scratch.path().join("content");
        fs::create_dir(&content).map_err(Error::file("create", &content))?;
        fill(&content)?;
        let shelf = self.folder.join(kind);
        fs::create_dir_all(&shelf).map_err(Error::file("create", &shelf))?;
        fs::rename(&content, &place).map_err(Error::file("create", &place))?;
        Ok(place)
    }
}

impl Cache {
    /// Makes something from a choice of packages: from the one pinned under this name, so that a warm cache needs
    /// no network, else from a new one, which is pinned. A choice that the archive no longer has is made again.
    ///
    /// # Errors
    /// Those of `choose` and `make`.
    pub fn pinned<C: Serialize + DeserializeOwned, T>(
        &self,
        name: &str,
        refresh: bool,
        choose: impl FnOnce() -> Result<C>,
        make: impl Fn(&C) -> Result<T>,
    ) -> Result<T> {
        let pin = self.folder.join("pinned").join(format!("{name}.json"));
        let read = || serde_json::from_slice::<C>(&fs::read(&pin).ok()?).ok();
        let pinned = if refresh { None } else { read() };
        match pinned.map(|choice| make(&choice)) {
            None | Some(Err(Error::Gone(_))) => {}
            Some(made) => return made,
        }
        let choice = choose()?;
        let text = serde_json::to_string_pretty(&choice).expect("plain strings and numbers");
        let shelf = self.folder.join("pinned");
        fs::create_dir_all(&shelf).map_err(Error::file("create", &shelf))?;
        let mut file = NamedTempFile::new_in(&shelf).map_err(Error::file("create a file in", &shelf))?;
        file.write_all(text.as_bytes()).map_err(Error::file("write", &pin))?;
        file.persist(&pin).map_err(|error| Error::File { doing: "write", path: pin.clone(), source: error.error })?;
        make(&choice)
    }
}

fn not_locked(path: &Path) -> impl Fn(Errno) -> Error {
    let path = path.to_owned();
    move |errno| Error::File { doing: "lock", path: path.clone(), source: errno.into() }
}

/// The key of something made from `parts`; no two lists of parts share one.
pub fn key<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.as_ref().len() as u64).to_le_bytes());
        hash.update(part.as_ref());
    }
    hex(&hash.finalize())
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::file("read", path))?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(Error::file("read", path))? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&block[..count]),
        }
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::from_environment(|_| Some(folder.path().join("cache"))).unwrap();
        (folder, cache)
    }

    #[test]
    fn its_path_is_good_from_everywhere() {
        let cache = Cache::from_environment(|_| Some(PathBuf::from("below/cache"))).unwrap();
        assert!(cache.folder().is_absolute() && cache.folder().ends_with("below/cache"));
    }

    #[test]
    fn an_entry_is_made_once() {
        let (_folder, cache) = cache();
        let _lock = cache.lock().unwrap();
        let fill = |path: &Path| fs::write(path.join("a"), "1").map_err(Error::file("write", path));
        let first = cache.entry("kind", "key", fill).unwrap();
        let second = cache.entry("kind", "key", |_| panic!("made again")).unwrap();
        assert_eq!(first, second);
        assert_eq!(fs::read_to_string(second.join("a")).unwrap(), "1");
    }

    #[test]
    fn a_failure_leaves_no_entry() {
        let (_folder, cache) = cache();
        let _lock = cache.lock().unwrap();
        let half = |path: &Path| {
            fs::write(path.join("a"), "half").unwrap();
            Err(Error::usage("broken", ""))
        };
        cache.entry("kind", "key", half).unwrap_err();
        let names = fs::read_dir(cache.folder()).unwrap().flatten().map(|entry| entry.file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["lock", "locks"]);
    }

    #[test]
    fn what_a_crash_left_is_swept_away() {
        let (_folder, cache) = cache();
        drop(cache.lock().unwrap());
        let left = cache.folder().join("unfinished-x");
        fs::create_dir(&left).unwrap();
        let _lock = cache.lock().unwrap();
        assert!(!left.exists());
    }

    /// Two runs at once, as of two boards: the second neither waits for what it does not want nor makes what the first
    /// is making.
    #[test]
    fn work_in_progress_of_another_run_is_left_alone_and_waited_for() {
        let (_folder, cache) = cache();
        let (begun, go_on) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _lock = cache.lock().unwrap();
                let slow = |path: &Path| {
                    begun.wait();
                    go_on.wait();
                    fs::write(path.join("a"), "1").map_err(Error::file("write", path))
                };
                cache.entry("kind", "slow", slow).unwrap();
            });
            begun.wait();
            let _lock = cache.lock().unwrap();
            cache.entry("kind", "other", |_| Ok(())).unwrap();
            go_on.wait();
            let place = cache.entry("kind", "slow", |_| panic!("made again")).unwrap();
            assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "1");
        });
        let lock = cache.lock().unwrap();
        let alone = Flock::lock(cache.lock_file("lock").unwrap(), FlockArg::LockExclusiveNonblock);
        assert!(alone.is_err(), "a cache in use could be removed");
        drop(lock);
        cache.lock_alone().unwrap();
    }

    #[test]
    fn a_pinned_choice_needs_no_network_until_it_is_gone() {
        let (_folder, cache) = cache();
        let make = |choice: &String| Ok(choice.clone());
        let new = |text: &str| Ok(text.to_owned());
        let offline = || Err(Error::usage("no network", ""));
        assert_eq!(cache.pinned("k", false, || new("1"), make).unwrap(), "1");
        assert_eq!(cache.pinned("k", false, offline, make).unwrap(), "1");
        cache.pinned("k", true, offline, make).unwrap_err();
        let gone = |choice: &String| match choice.as_str() {
            "1" => Err(Error::Gone(Box::new(Error::usage("404", "")))),
            other => Ok(other.to_owned()),
        };
        assert_eq!(cache.pinned("k", false, || new("2"), gone).unwrap(), "2");
        let faulty = |_: &String| Err::<String, _>(Error::usage("does not compile", ""));
        let error = cache.pinned("k", false, || panic!("a newer one is no cure"), faulty).unwrap_err();
        assert!(error.to_string().contains("does not compile"));
    }

    #[test]
    fn keys_keep_parts_apart() {
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
