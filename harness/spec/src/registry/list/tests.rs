use std::path::Path;

use super::*;

const REGISTRY: &str = "own_drivers: []
map_dma_buf:
  - {symbol: a_map, file: new/a.c, earlier_files: [old/a.c], subsystem: s, exp_name: [a], memory: m, struct_pages: yes,
     mmap: yes, vmap: no, cpu_access: no, since: \"4.11\", reach: r, needs: n}
  - {symbol: b_map, file: b.c, subsystem: s, exp_name: [b], memory: m, struct_pages: yes,
     mmap: yes, vmap: no, cpu_access: no, since: \"6.12\", until: \"6.12\", reach: r, needs: n}
  - {symbol: own_map, file: own.c, subsystem: s, ours: true, exp_name: [o], memory: m, struct_pages: yes,
     mmap: yes, vmap: no, cpu_access: no, since: \"4.11\", reach: r, needs: n}
get_sg_table:
  - {symbol: dma_table, file: dma.h, earlier_symbols: [cma_table], memory: m, struct_pages: yes, drivers: [x],
     since: \"4.11\", needs: n}
  - {symbol: x_funcs, file: x.c, without_function: true, memory: m, struct_pages: no, drivers: [x], since: \"4.11\",
     needs: n}
";

fn list(text: &str) -> List {
    List::parse(text).unwrap()
}

fn differences(text: &str) -> Vec<String> {
    Registry::parse(Path::new("r.yaml"), REGISTRY).unwrap().differences(&list(text))
}

#[test]
fn what_is_written_is_read() {
    let text = "map_dma_buf of Linux 6.12.117\nnew/a.c a_map\nnew/b.c b_map\n";
    assert_eq!(list(text).to_string(), text);
    assert_eq!(list(text).file_name(), "map_dma_buf-6.12.117.txt");
    assert_eq!(list("get_sg_table of Linux 7.3.4\n").found.len(), 0);
}

#[test]
fn what_is_no_list_is_told_with_its_line() {
    assert!(matches!(List::parse(""), Err(ListError::Head(_))));
    assert!(matches!(List::parse("release of Linux 6.1\n"), Err(ListError::Head(_))));
    assert!(matches!(List::parse("map_dma_buf of Linux six\n"), Err(ListError::Head(_))));
    for line in ["a.c", "a.c  a_map", "", "a.c a_map x"] {
        let text = format!("map_dma_buf of Linux 6.1\nb.c b_map\n{line}\n");
        assert_eq!(List::parse(&text), Err(ListError::Line(3, line.into())));
    }
}

#[test]
fn a_registry_that_is_the_kernel_s_has_no_difference() {
    assert_eq!(differences("map_dma_buf of Linux 6.12.117\nnew/a.c a_map\nb.c b_map\n"), [""; 0]);
    assert_eq!(differences("map_dma_buf of Linux 5.10.223\nold/a.c a_map\n"), [""; 0]);
    assert_eq!(differences("get_sg_table of Linux 5.10.223\nany.c cma_table\nother.c cma_table\n"), [""; 0]);
}

#[test]
fn what_the_kernel_has_and_no_row_tells_is_told() {
    let text = "map_dma_buf of Linux 7.3.4\nnew/a.c a_map\nc.c c_map\n";
    assert_eq!(differences(text), ["c_map of c.c is in Linux 7.3.4 and has no row"]);
    // The same function, put into the operations of another driver.
    let text = "map_dma_buf of Linux 7.3.4\nnew/a.c a_map\nc.c a_map\n";
    assert_eq!(differences(text), ["a_map of c.c is in Linux 7.3.4 and has no row"]);
    let text = "get_sg_table of Linux 7.3.4\na.c dma_table\na.c new_table\n";
    assert_eq!(differences(text), ["new_table of a.c is in Linux 7.3.4 and has no row"]);
}

#[test]
fn what_a_row_says_and_the_kernel_has_not_is_told() {
    let text = "map_dma_buf of Linux 6.12.1\nb.c b_map\n";
    assert_eq!(differences(text), ["a_map of new/a.c has a row that covers Linux 6.12.1, and is not in it"]);
    let text = "get_sg_table of Linux 6.12.1\n";
    assert_eq!(differences(text), ["dma_table has a row that covers Linux 6.12.1, and is not in it"]);
}

#[test]
fn a_wrong_since_or_until_is_told() {
    for kernel in ["6.1.192", "7.3.4"] {
        let text = format!("map_dma_buf of Linux {kernel}\nnew/a.c a_map\nb.c b_map\n");
        let told = format!("b_map of b.c is in Linux {kernel}, and its row has another since or until");
        assert_eq!(differences(&text), [told]);
    }
}
