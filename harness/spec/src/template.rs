//! What `prime-cts case new` writes: a case that is sound as it stands, with a comment at every place to fill in.

use crate::schema::EDITOR_LINE;

/// The text of a new case.
pub fn text(area: &str, name: &str) -> String {
    BODY.replace("EDITOR_LINE", EDITOR_LINE).replace("AREA", area).replace("NAME", name)
}

const BODY: &str = r#"EDITOR_LINE
# One rule, one file. cases/REFERENCE.md lists every key and every verb.
#   prime-cts case check FILE            reports what is wrong with it
#   prime-cts case explain AREA.NAME     says to which devices of this machine it applies, and why not to the others
#   prime-cts case run FILE              runs it
name: NAME

# What must hold, in one sentence, of any driver.
rule: A mapping of a dma-buf shows the bytes that were written through it.

# What goes wrong, and for whom, where it does not hold.
why: >-
  A program that reads back other bytes than it wrote shows or stores a broken picture.

# Where the kernel says so: a document, a header, a function.
reference: >-
  Documentation/driver-api/dma-buf.rst: "CPU Access to DMA Buffer Objects"

# Commits and CVEs that broke it or mended it.
guards: []

# exporter: a cell for each device that exports. importer: one for each that imports, without an exporter's buffer.
# pair: one for each exporter with each importer.
cells: exporter

# Which devices it is about; all of them by default. A device has to match every line that is there.
# exporters:
#   kind: [drm, v4l2]
#   driver: [vivid]
#   key: ["drm-*"]
# importers:
#   kind: [drm]

# What is done, in this order. A step names what it makes with 'as', and later steps use the name.
steps:
  - allocate: {as: buffer}
  - export: {buffer: buffer, as: file}
  # With 'cells: pair':
  # - import: {file: file, as: imported}
  - map: {of: file, as: shown}
  - sync: {file: file, phase: begin, access: read-write}
  - fill: {mapping: shown}
  - check: {mapping: shown}
  - sync: {file: file, phase: end, access: read-write}
"#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn a_new_case_is_sound_as_it_stands() {
        let text = super::text("mapping", "my-rule");
        let case = crate::case::Case::parse(Path::new("mapping/my-rule.yaml"), &text);
        assert_eq!(
            case.map(|case| case.id()).map_err(|faults| faults[0].to_string()),
            Ok("mapping.my-rule".to_owned())
        );
        assert!(text.starts_with(crate::schema::EDITOR_LINE));
    }
}
