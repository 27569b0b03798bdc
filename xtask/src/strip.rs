//! Takes the DWARF out of a BPF object. The linker writes it beside the BTF that it makes from the same debug
//! information; only the BTF is used, and DWARF is most of the file. LLVM's `strip` would do the same, but is not
//! part of the BPF toolchain.

use anyhow::{Context as _, Result};
use object::{
    build::elf::{Builder, SectionData},
    elf::SHT_STRTAB,
};

/// The object without its `.debug_*` sections, their relocations and their symbols.
pub fn without_dwarf(object: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(object).context("the linker's output is not an object file")?;
    for section in &mut builder.sections {
        section.delete = is_dwarf(&section.name);
    }
    builder.delete_orphans();
    if !builder.sections.iter().any(|section| matches!(section.data, SectionData::SectionString)) {
        // LLVM keeps the names of sections and of symbols in one table, the writer in two.
        let names = builder.sections.add();
        names.name = ".shstrtab".into();
        names.sh_type = SHT_STRTAB;
        names.sh_addralign = 1;
        names.data = SectionData::SectionString;
    }
    let mut stripped = Vec::new();
    builder.write(&mut stripped).context("cannot write the object without DWARF")?;
    Ok(stripped)
}

fn is_dwarf(section: &[u8]) -> bool {
    section.starts_with(b".debug_") || section.starts_with(b".rel.debug_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{
        Architecture, BinaryFormat, Endianness, Object as _, ObjectSection as _, RelocationFlags,
        SectionKind,
        elf::R_BPF_64_64,
        write::{Object, Relocation},
    };

    /// A BPF object with code, BTF and DWARF, the latter two with a relocation each.
    fn linked() -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
        let code = object.add_section(vec![], b"tp_btf/sched_switch".to_vec(), SectionKind::Text);
        object.append_section_data(code, &[0x95, 0, 0, 0, 0, 0, 0, 0], 8);
        for name in [".BTF", ".BTF.ext", ".debug_info", ".debug_str"] {
            let section = object.add_section(vec![], name.into(), SectionKind::Other);
            object.append_section_data(section, name.repeat(4).as_bytes(), 4);
            let symbol = object.section_symbol(code);
            let flags = RelocationFlags::Elf { r_type: R_BPF_64_64 };
            object.add_relocation(section, Relocation { offset: 0, symbol, addend: 0, flags }).unwrap();
        }
        object.write().unwrap()
    }

    #[test]
    fn dwarf_goes_and_all_else_stays() {
        let linked = linked();
        let stripped = without_dwarf(&linked).unwrap();
        let stripped = object::File::parse(stripped.as_slice()).unwrap();
        let linked = object::File::parse(linked.as_slice()).unwrap();
        assert_eq!(stripped.architecture(), Architecture::Bpf);
        for kept in ["tp_btf/sched_switch", ".BTF", ".BTF.ext"] {
            let before = linked.section_by_name(kept).unwrap();
            let after = stripped.section_by_name(kept).unwrap();
            assert_eq!(before.data().unwrap(), after.data().unwrap(), "{kept}");
            assert_eq!(before.relocations().count(), after.relocations().count(), "{kept}");
        }
        let names = stripped.sections().filter_map(|section| section.name().ok().map(str::to_owned));
        assert!(!names.into_iter().any(|name| name.contains("debug")));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let error = format!("{:#}", without_dwarf(b"text").unwrap_err());
        assert!(error.starts_with("the linker's output is not an object file: "), "{error}");
    }
}
