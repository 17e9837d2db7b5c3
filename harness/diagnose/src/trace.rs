//! The function that a trace of the kernel names in one of a suspect's modules.

/// The first function of these modules in the lines: `canary_map+0x1d/0x90 [prime_canary]`.
pub fn function(lines: &[String], modules: &[String]) -> Option<String> {
    lines.iter().find_map(|line| {
        event::blame::frames(line)
            .find(|frame| modules.iter().any(|module| module.replace('-', "_") == frame.module.replace('-', "_")))
            .map(|frame| format!("{} [{}]", frame.function, frame.module))
    })
}

/// The same, if the trace begins in one of them: what it comes through before that is of no driver of `all`. Who stands further
/// down has called, or was called with what another had spoilt.
pub fn begins_in(lines: &[String], modules: &[String], all: &[String]) -> Option<String> {
    let is = |named: &str, one: &String| one.replace('-', "_") == named.replace('-', "_");
    let mut frames = lines.iter().flat_map(|line| event::blame::frames(line));
    let first = frames.find(|frame| all.iter().any(|module| is(frame.module, module)))?;
    let own = modules.iter().any(|module| is(first.module, module));
    own.then(|| format!("{} [{}]", first.function, first.module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_begins_in_the_first_driver_that_it_names() {
        let lines = [" drm_map+0x1/0x2 [drm]", " x_map+0x1/0x2 [x-y]", " z_import+0x1/0x2 [z]"].map(str::to_owned);
        let all = ["x_y".to_owned(), "z".to_owned()];
        assert_eq!(begins_in(&lines, &all[..1], &all).as_deref(), Some("x_map [x-y]"));
        assert_eq!(begins_in(&lines, &all[1..], &all), None);
        assert_eq!(function(&lines, &all[1..]).as_deref(), Some("z_import [z]"));
    }

    #[test]
    fn the_first_function_of_a_module_is_named() {
        let lines = ["RIP: 0010:dma_buf_map+0x9/0x20", " ? x_import+0x11/0x40 [x]", " x_open+0x1/0x2 [x]"];
        let lines = lines.map(str::to_owned);
        assert_eq!(function(&lines, &["x".into()]).as_deref(), Some("x_import [x]"));
        assert_eq!(function(&lines, &["y".into()]), None);
    }
}
