//! Man pages and completions, read by what reads them.

mod program;

use std::process::Command;

use program::{Place, Said};

/// The pages of the program and of its commands.
fn pages(place: &Place) -> Vec<std::path::PathBuf> {
    let said = place.run("man --output man");
    assert_eq!(said.code, Some(0), "{said:?}");
    let pages = std::fs::read_dir(place.path("man")).unwrap();
    pages.map(|page| page.unwrap().path()).collect()
}

#[test]
fn there_is_a_page_for_each_command_that_help_names() {
    let place = Place::new();
    let pages = pages(&place);
    let help = place.run("--help").out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let commands = commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"run") && commands.len() > 10, "{commands:?}");
    for command in commands.iter().filter(|command| **command != "help") {
        let page = format!("prime-cts-{command}.1");
        assert!(pages.iter().any(|path| path.ends_with(&page)), "{page} in {pages:?}");
    }
    let page = place.run("man").out;
    for (_, meaning) in event::exit::Exit::TABLE {
        assert!(page.replace("\\*(Aq", "'").replace('\\', "").contains(meaning), "{meaning}: {page}");
    }
}

#[test]
fn groff_has_nothing_to_complain_of() {
    let place = Place::new();
    for page in pages(&place) {
        let said: Said = Command::new("groff").args(["-man", "-ww", "-Tutf8"]).arg(&page).output().unwrap().into();
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{page:?}");
        let name = page.file_stem().unwrap().to_string_lossy();
        assert!(said.out.starts_with(&format!("{name}(1)")), "{said:?}");
    }
}

/// What bash offers behind a line that is not finished.
fn offered(place: &Place, line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let script = format!(
        "source <({} completions bash); COMP_WORDS=({line}) COMP_CWORD={}; set -- $(complete -p prime-cts); \
         while [ $1 != -F ]; do shift; done; $2 prime-cts '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        env!("CARGO_BIN_EXE_prime-cts"),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let mut bash = Command::new("bash");
    let said: Said = bash.current_dir(place.path(".")).args(["--norc", "-c", &script]).output().unwrap().into();
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_words() {
    let place = Place::new();
    assert_eq!(offered(&place, "prime-cts cov"), ["coverage"]);
    assert!(offered(&place, "prime-cts run --sha").contains(&"--shard".to_owned()));
    assert_eq!(offered(&place, "prime-cts report --format k"), ["ktap", "kcidb"]);
}

#[test]
fn every_shell_that_is_offered_gets_a_script() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = place.run(&format!("completions {shell}"));
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("coverage"), "{shell}");
    }
}
