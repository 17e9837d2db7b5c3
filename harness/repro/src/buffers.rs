//! Buffers that are allocated, exported, imported and released, as lines of C.

use spec::case::Kind;
use spec::step::{ErrnoName, Export, FileAccess, Import, Side};
use uapi::Errno;

use super::emitter::Emitter;
use super::names::{Value, variable};
use super::unsupported::Unsupported;
use runner::cell::documented;

impl Emitter<'_> {
    pub(super) fn allocate(&mut self, name: &str, size: u64) -> Result<(), Unsupported> {
        let call = self.side(Side::Exporter)?.allocate(&mut self.source, size, self.allocated)?;
        self.allocated += 1;
        let value = Value::Buffer { imported: false, by_exporter: true, may_be_none: false };
        let to = self.names.assign("long", name, value);
        self.source.line(format!("{to} = {call};"));
        Ok(())
    }

    pub(super) fn export(&mut self, step: &Export) -> Result<(), Unsupported> {
        let Some(Value::Buffer { by_exporter, .. }) = self.names.get(&step.buffer).cloned() else {
            return Err(Unsupported::Step("an export of what is no buffer".into()));
        };
        let side = self.side(if by_exporter { Side::Exporter } else { Side::Importer })?;
        let access = if step.access == FileAccess::ReadWrite { "O_RDWR" } else { "O_RDONLY" };
        let flags = if step.close_on_exec { format!("{access} | O_CLOEXEC") } else { access.to_owned() };
        let call = side.export(&mut self.source, &variable(&step.buffer), &flags);
        if !step.must_refuse.is_empty() {
            self.demanded(&call, &step.must_refuse, "the export");
            return Ok(());
        }
        let to = self.names.assign("int", &step.r#as, Value::File(self.size.next_multiple_of(4096)));
        if step.may_refuse.is_empty() {
            self.source.need("must");
            self.source.line(format!("{to} = KEPT({call});"));
            return Ok(());
        }
        self.source.header("err.h");
        self.source.header("errno.h");
        self.source.line(format!("{to} = {call};"));
        self.source.line(format!("if ({} == -1)", variable(&step.r#as)));
        self.source.line(format!("\terr({}, \"the export\");", one_of(&step.may_refuse)));
        Ok(())
    }

    pub(super) fn import(&mut self, step: &Import) -> Result<(), Unsupported> {
        let side = self.side(step.by)?;
        let size = self.file_size(&step.file);
        let call = side.import(&mut self.source, &variable(&step.file), size, step.larger_by.0)?;
        if !step.must_refuse.is_empty() {
            self.refused_import(&call, step, side.endpoint.kind);
            return Ok(());
        }
        let value = Value::Buffer { imported: true, by_exporter: step.by == Side::Exporter, may_be_none: step.go_on };
        let to = self.names.assign("long", &step.r#as, value);
        self.source.header("err.h");
        self.source.header("errno.h");
        self.source.line(format!("{to} = {call};"));
        let documented = step.may_refuse.clone().unwrap_or_else(|| documented_for(side.endpoint.kind));
        let buffer = variable(&step.r#as);
        if step.go_on {
            let allowed = documented.iter().map(|errno| format!("errno != {errno}"));
            let unless = allowed.collect::<Vec<_>>().join(" && ");
            self.source.line(format!("if ({buffer} == -1 && {unless})"));
            self.source.line("\terr(1, \"the import\");");
        } else {
            self.source.line(format!("if ({buffer} == -1)"));
            self.source.line(format!("\terr({}, \"the import\");", one_of(&documented)));
        }
        Ok(())
    }

    /// One that is refused for another good reason says nothing of the rule.
    fn refused_import(&mut self, call: &str, step: &Import, kind: Kind) {
        let others: Vec<_> =
            documented_for(kind).into_iter().filter(|errno| !step.must_refuse.contains(errno)).collect();
        let answer = self.source.fresh("answer");
        self.source.header("err.h");
        self.source.header("errno.h");
        self.source.line(format!("long {answer} = {call};"));
        let allowed: Vec<String> = others.iter().map(|errno| format!("errno == {errno}")).collect();
        self.source.line(format!("if ({answer} == -1 && ({}))", allowed.join(" || ")));
        self.source.line("\terr(2, \"the import\");");
        self.demanded(&answer, &step.must_refuse, "the import");
    }

    pub(super) fn release(&mut self, name: &str) -> Result<(), Unsupported> {
        let this = variable(name);
        match self.names.get(name).cloned() {
            Some(Value::Buffer { imported, by_exporter, may_be_none }) => {
                let side = self.side(if by_exporter { Side::Exporter } else { Side::Importer })?;
                if may_be_none {
                    self.source.line(format!("if ({this} != -1)"));
                }
                side.release(&mut self.source, &this, imported);
            }
            Some(Value::Mapping { bytes, .. }) => self.source.line(format!("munmap({this}, {bytes});")),
            _ => {
                self.source.header("unistd.h");
                self.source.line(format!("close({this});"));
            }
        }
        Ok(())
    }
}

/// 2 for an errno that is allowed, 1 for any other.
fn one_of(errnos: &[ErrnoName]) -> String {
    let allowed: Vec<String> = errnos.iter().map(|errno| format!("errno == {errno}")).collect();
    if allowed.is_empty() { "1".into() } else { format!("{} ? 2 : 1", allowed.join(" || ")) }
}

/// The errnos that the kernel documents for an importer.
fn documented_for(kind: Kind) -> Vec<ErrnoName> {
    let all = (1..200).map(Errno::from_raw).filter(|errno| documented::import(kind, *errno).is_some());
    all.map(|errno| format!("{errno:?}").as_str().into()).collect()
}
