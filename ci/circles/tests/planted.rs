//! Circles that were planted are found and named, and what is not a circle is not.

use std::fs;
use std::path::Path;

/// What is found in a crate of these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join("src").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    circles::of_crate(folder.path()).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn two_files_that_import_each_other_are_named_with_what_they_import() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B; fn f() { drop(super::a::A); }"),
    ];
    assert_eq!(found(&files), ["src/a.rs -> (crate::b::B) -> src/b.rs -> (super::a::A) -> src/a.rs"]);
}

#[test]
fn a_circle_through_a_re_export_a_group_and_a_macro() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use a::{A as Other, inner};"),
        ("a.rs", "use crate::{b::{self, B}, c as _}; pub struct A; pub mod inner {}"),
        ("b.rs", "pub struct B; fn f() { println!(\"{}\", crate::c::number()); }"),
        ("c.rs", "use crate::Other; pub fn number() -> u8 { 1 }"),
    ];
    let found = found(&files);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("src/c.rs -> (crate::Other) -> src/a.rs"), "{found:?}");
}

#[test]
fn a_circle_through_all_names_of_a_module() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use self::deep::*; pub fn g() { f() } pub mod deep;"),
        ("a/deep.rs", "use crate::b::*; pub fn f() { h() }"),
        ("b.rs", "pub fn h() {} fn k() { crate::a::g() }"),
    ];
    assert_eq!(found(&files).len(), 1);
}

#[test]
fn a_module_may_use_what_contains_it_and_tests_may_use_anything() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use b::B;"),
        ("a.rs", "mod part; pub struct A; fn f() { part::g() } #[cfg(test)] mod tests { use crate::b::B; }"),
        ("a/part.rs", "use super::A; use std::a::X; pub fn g() {}"),
        ("b.rs", "use crate::a::A; pub struct B;"),
    ];
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn a_program_s_modules_are_looked_at_as_well() {
    let files = [
        ("lib.rs", ""),
        ("main.rs", "mod a; mod b; fn main() {}"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "pub struct B; use super::a;"),
    ];
    assert_eq!(found(&files).len(), 1);
}

#[test]
fn a_folder_without_a_crate_says_so() {
    assert!(circles::of_crate(Path::new("/nowhere")).unwrap_err().to_string().contains("neither src/lib.rs"));
}
