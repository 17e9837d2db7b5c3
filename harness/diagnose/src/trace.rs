//! The function that a trace of the kernel names in one of a suspect's modules.

/// The first function of these modules in the lines: `canary_map+0x1d/0x90 [prime_canary]`.
pub fn function(lines: &[String], modules: &[String]) -> Option<String> {
    lines.iter().find_map(|line| {
        event::blame::frames(line)
            .find(|frame| modules.iter().any(|module| module.replace('-', "_") == frame.module.replace('-', "_")))
            .map(|frame| format!("{} [{}]", frame.function, frame.module))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_function_of_a_module_is_named() {
        let lines = ["RIP: 0010:dma_buf_map+0x9/0x20", " ? x_import+0x11/0x40 [x]", " x_open+0x1/0x2 [x]"];
        let lines = lines.map(str::to_owned);
        assert_eq!(function(&lines, &["x".into()]).as_deref(), Some("x_import [x]"));
        assert_eq!(function(&lines, &["y".into()]), None);
    }
}
