use super::*;

const REGISTRY: &str = "own_drivers: [mine]
map_dma_buf:
  - symbol: drm_map
    file: drm.c
    subsystem: drm
    exp_name: [drm]
    memory: m
    struct_pages: {depends: on the driver}
    mmap: yes
    vmap: no
    cpu_access: no
    since: \"4.11\"
    get_sg_table: true
    reach: r
    boards: [one]
  - symbol: drm_map
    file: msm.c
    subsystem: drm
    exp_name: [msm]
    memory: m
    struct_pages: yes
    mmap: yes
    vmap: no
    cpu_access: no
    since: \"7.2\"
    reach: r
    needs: n
  - symbol: heap_map
    file: heap.c
    subsystem: dma-buf
    kind: selftest
    exp_name: [\"**\"]
    memory: m
    struct_pages: yes
    mmap: yes
    vmap: no
    cpu_access: no
    since: \"5.10\"
    until: \"6.1\"
    reach: r
    needs: n
get_sg_table:
  - symbol: shmem
    file: shmem.h
    memory: m
    struct_pages: yes
    drivers: [vgem, bochs since 7.2, mine]
    since: \"5.10\"
    boards: [one, two]
  - symbol: none
    file: vram.c
    without_function: true
    refuses: ENOSYS
    memory: m
    struct_pages: no
    drivers: [bochs until 6.12]
    since: \"5.10\"
    needs: n
";

fn read(source: &str) -> Result<Registry, Diagnostic> {
    Registry::parse(Path::new("r.yaml"), source)
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// The place and the message of the fault that a change of the text makes.
#[track_caller]
fn fault(from: &str, to: &str) -> (Option<usize>, String) {
    assert!(REGISTRY.contains(from), "{from}");
    let fault = read(&REGISTRY.replacen(from, to, 1)).expect_err("there is a fault");
    assert!(fault.to_string().contains("r.yaml:") && fault.to_string().contains('^'), "{fault}");
    (fault.place.map(|place| place.0), fault.message)
}

#[test]
fn a_function_in_several_files_is_told_apart_by_the_exporter_s_name() {
    let registry = read(REGISTRY).unwrap();
    let file = |symbol, name, kernel: Option<&str>| {
        let kernel = kernel.map(version);
        registry.implementation(symbol, name, kernel.as_ref()).map(|row| row.file.as_str())
    };
    assert_eq!(file("drm_map", "drm", Some("7.3.4")), Some("drm.c"));
    assert_eq!(file("drm_map", "msm", Some("7.3.4")), Some("msm.c"));
    assert_eq!(file("drm_map", "msm", Some("6.12")), Some("msm.c"), "it may be there earlier than is known");
    assert_eq!(file("drm_map", "other", None), None);
    assert_eq!(file("heap_map", "any,name.at all", None), Some("heap.c"));
    assert_eq!(file("unknown", "drm", None), None);
}

#[test]
fn a_driver_s_back_end_depends_on_the_kernel() {
    let registry = read(REGISTRY).unwrap();
    let back_end = |driver, kernel| registry.back_end(driver, &version(kernel)).map(|row| row.symbol.as_str());
    assert_eq!(back_end("bochs", "6.12.117"), Some("none"));
    assert_eq!(back_end("bochs", "7.3.4"), Some("shmem"));
    assert_eq!(back_end("bochs", "7.1"), None, "between the kernels that were looked at");
    assert_eq!(back_end("vgem", "4.19"), None);
    assert!(registry.is_own_driver("mine") && !registry.is_own_driver("vgem"));
}

#[test]
fn a_mistake_of_the_keys_is_pointed_at() {
    assert_eq!(fault("    memory: m\n", "    memori: m\n").0, Some(7));
    assert!(fault("mmap: yes", "mmap: maybe").1.contains("maybe"));
    assert!(fault("since: \"4.11\"", "since: \"four\"").1.contains("'four' is not a kernel version"));
    assert!(fault("bochs since 7.2", "bochs from 7.2").1.contains("'bochs from 7.2' is not a driver"));
    assert!(fault("kind: selftest", "kind: toy").1.contains("toy"));
    assert!(fault("own_drivers: [mine]\n", "").1.contains("own_drivers"));
}

#[test]
fn a_row_that_stands_twice_is_pointed_at() {
    assert_eq!(fault("file: msm.c", "file: drm.c"), (Some(16), "'drm_map' of drm.c stands here again".into()));
}

#[test]
fn an_end_before_the_beginning_is_pointed_at() {
    assert_eq!(
        fault("until: \"6.1\"", "until: \"4.19\""),
        (Some(39), "the last kernel with 'heap_map' is older than its first".into())
    );
    let (line, message) = fault("bochs since 7.2", "bochs since 7.2 until 6.12");
    assert_eq!((line, message.contains("'bochs'")), (Some(47), true), "{message}");
}

#[test]
fn a_row_tells_its_boards_or_what_it_needs() {
    let (line, message) = fault("    boards: [one]\n", "");
    assert_eq!((line, message.contains("give 'boards' or 'needs'")), (Some(3), true), "{message}");
    let (line, message) = fault("    boards: [one]\n", "    boards: [one]\n    needs: n\n");
    assert_eq!((line, message.contains("so that it needs nothing")), (Some(16), true), "{message}");
    let (line, message) = fault("    boards: [one, two]\n", "");
    assert_eq!((line, message.contains("'shmem'")), (Some(43), true), "{message}");
}

#[test]
fn a_sort_that_contradicts_the_rest_of_its_row_is_pointed_at() {
    let pages = "    memory: m\n    struct_pages: yes\n";
    let with = |sort: &str| fault(pages, &pages.replace("m\n", &format!("m\n    sort: {sort}\n")));
    assert_eq!(with("pageless"), (Some(21), "'drm_map': pageless memory has no struct pages".into()));
    assert!(with("lumpy").1.contains("lumpy"));
    let of_the_core = fault("    memory: m\n", "    memory: m\n    sort: scattered\n");
    assert_eq!(of_the_core, (Some(8), "'drm_map': the rows of get_sg_table say the sort".into()));
    let (line, message) =
        fault("    memory: m\n    struct_pages: no\n", "    memory: m\n    sort: scattered\n    struct_pages: no\n");
    assert_eq!((line, message.contains("no table is made")), (Some(55), true), "{message}");
}

#[test]
fn the_memory_of_a_driver_is_that_of_the_function_or_of_its_back_end() {
    let text = REGISTRY.replacen(
        "h\n    memory: m\n    struct_pages: yes",
        "h\n    memory: m\n    sort: scattered\n    struct_pages: yes",
        1,
    );
    let text = text.replacen("c\n    subsystem: dma-buf\n", "c\n    subsystem: dma-buf\n    sort: contiguous\n", 1);
    let registry = read(&text).unwrap();
    let memory = |symbol, name, driver, kernel| registry.memory(symbol, name, driver, &version(kernel));
    assert_eq!(memory("drm_map", "drm", "vgem", "6.12"), Some(Memory::Scattered));
    assert_eq!(
        (memory("drm_map", "drm", "bochs", "6.12"), memory("drm_map", "drm", "bochs", "7.2")),
        (None, Some(Memory::Scattered))
    );
    assert_eq!(memory("heap_map", "system", "heap", "6.1"), Some(Memory::Contiguous));
    assert_eq!((memory("drm_map", "msm", "msm", "7.2"), memory("unknown", "drm", "vgem", "7.2")), (None, None));
}

#[test]
fn a_board_that_is_not_there_is_pointed_at() {
    let registry = read(REGISTRY).unwrap();
    let check = |boards: &[&str]| {
        let boards: Vec<String> = boards.iter().map(|&board| board.to_owned()).collect();
        registry.check_boards(Path::new("r.yaml"), REGISTRY, &boards)
    };
    check(&["one", "two", "three"]).unwrap();
    let fault = check(&["one", "twp"]).unwrap_err();
    assert_eq!(fault.place.map(|place| place.0), Some(49), "{fault}");
    assert!(fault.message.contains("fixtures/boards has no 'two'"), "{fault}");
    assert_eq!(fault.help.as_deref(), Some("did you mean 'twp'?"));
}

#[test]
fn answers_are_words() {
    let registry = read(REGISTRY).unwrap();
    assert_eq!(registry.map_dma_buf[0].struct_pages.to_string(), "depends: on the driver");
    assert_eq!((registry.map_dma_buf[0].mmap.to_string(), &registry.map_dma_buf[0].vmap), ("yes".into(), &Answer::No));
    assert_eq!(registry.map_dma_buf[2].kind, Kind::Selftest);
}
