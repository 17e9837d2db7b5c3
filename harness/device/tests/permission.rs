//! Nodes without permission. The only test of its program: root may open anything, so the process becomes another user.

mod tree;

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::{Uid, seteuid};

fn close_all(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            close_all(&path);
        } else {
            set_permissions(path, Permissions::from_mode(0o000)).unwrap();
        }
    }
}

#[test]
fn nodes_without_permission_are_blocked_and_say_what_to_do() {
    for name in tree::NAMES {
        let copy = tree::Copy::exchanged(name, &[]);
        set_permissions(copy.root(), Permissions::from_mode(0o755)).unwrap();
        close_all(&copy.root().join("dev"));
        let before = Uid::effective();
        if before.is_root() {
            seteuid(Uid::from_raw(65534)).unwrap();
        }
        let found = device::inventory::find(&copy.system());
        seteuid(before).unwrap();
        assert!(found.len() >= 8, "{name}: {found:?}");
        for endpoint in found {
            let why = endpoint.blocked.unwrap_or_else(|| panic!("{name}: {} is not blocked", endpoint.key));
            assert!(why.contains("permission denied; run as root or join the group"), "{name}: {why}");
        }
    }
}
