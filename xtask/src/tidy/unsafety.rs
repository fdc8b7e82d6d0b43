//! Rule `unsafe`: it is allowed file by file, and every use comes with its proof.
//!
//! A file with `unsafe` in it opens with `#![allow(unsafe_code)]`, or the `mod.rs` of its folder does,
//! or its parent says so where it declares the module; a crate's root cannot say it for the crate. A block or `unsafe impl` has a `// SAFETY:` comment just above; an `unsafe fn`
//! or `unsafe trait` tells its callers what to keep under `# Safety`.

use std::collections::BTreeSet;

use super::source::{Source, Violation, is_word, leading_word};

const FILE_ALLOWS: &str = "#![allow(unsafe_code)]";
const MODULE_ALLOWS: &str = "#[allow(unsafe_code)]";

/// Where unsafe code is allowed from outside the file that holds it.
pub(crate) struct Allowed {
    /// Files that the parent's declaration allows it.
    files: BTreeSet<String>,
    /// Folders whose `mod.rs` allows it to all below.
    folders: Vec<String>,
}

impl Allowed {
    pub(crate) fn of(sources: &[Source]) -> Self {
        let mut allowed = Self { files: BTreeSet::new(), folders: Vec::new() };
        for source in sources.iter().filter(|source| source.is_rust()) {
            let folder = folder_of_children(&source.path);
            if source.path.ends_with("/mod.rs") && opens_with_allow(source) {
                allowed.folders.push(format!("{folder}/"));
            }
            for (at, _) in source.code.match_indices(MODULE_ALLOWS) {
                let declaration =
                    source.code[at + MODULE_ALLOWS.len()..].split(';').next().unwrap_or_default();
                if let [.., "mod", name] = declaration.split_whitespace().collect::<Vec<_>>()[..] {
                    allowed.files.insert(format!("{folder}/{name}.rs"));
                    allowed.files.insert(format!("{folder}/{name}/mod.rs"));
                }
            }
        }
        allowed
    }

    fn has(&self, path: &str) -> bool {
        self.files.contains(path) || self.folders.iter().any(|folder| path.starts_with(folder))
    }
}

/// Where the modules lie that the file at `path` declares.
fn folder_of_children(path: &str) -> &str {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder,
        _ => path.trim_end_matches(".rs"),
    }
}

pub(crate) fn check(source: &Source, allowed: &Allowed) -> Vec<Violation> {
    let lines = Lines::of(source);
    let mut violations = Vec::new();
    let mut uses = source.find_word("unsafe").filter_map(|at| Use::at(&source.code, at)).peekable();
    if let Some(first) = uses.peek()
        && !opens_with_allow(source)
        && !allowed.has(&source.path)
    {
        let what = format!("a file with unsafe code opens with `{FILE_ALLOWS}`");
        violations.push(source.violation(source.line_at(first.at), "unsafe", what));
    }
    for found in uses {
        let line = source.line_at(found.at);
        let missing = match found.wants {
            Wants::Proof if !lines.have_proof(line) => "`// SAFETY:` just above saying why it holds",
            Wants::Contract if !lines.have_contract(line) => {
                "`# Safety` section saying what callers must keep"
            }
            _ => continue,
        };
        violations.push(source.violation(line, "unsafe", format!("no {missing}")));
    }
    violations
}

/// The attribute counts as long as nothing but comments and other inner attributes come before it.
fn opens_with_allow(source: &Source) -> bool {
    let Some(at) = source.code.find(FILE_ALLOWS) else { return false };
    source.code[..at].lines().map(str::trim).all(|line| line.is_empty() || line.starts_with("#!"))
}

enum Wants {
    Proof,
    Contract,
    Nothing,
}

/// One `unsafe` in the code.
struct Use {
    at: usize,
    wants: Wants,
}

impl Use {
    /// Nothing for an attribute such as `#[unsafe(no_mangle)]`.
    fn at(code: &str, at: usize) -> Option<Self> {
        let mut rest = code[at + "unsafe".len()..].trim_start();
        if rest.starts_with('(') {
            return None;
        }
        if leading_word(rest) == "extern" {
            // The ABI's name is a literal, blank by now.
            rest = rest["extern".len()..].trim_start();
            if rest.starts_with('{') {
                return Some(Self { at, wants: Wants::Nothing });
            }
        }
        let wants = match leading_word(rest) {
            "" if rest.starts_with('{') => Wants::Proof,
            "impl" => Wants::Proof,
            "trait" => Wants::Contract,
            // Without a name it is a type: a pointer to such a function.
            "fn" if rest["fn".len()..].trim_start().starts_with(is_word) => Wants::Contract,
            _ => Wants::Nothing,
        };
        Some(Self { at, wants })
    }
}

/// The lines above a use, with comments (`text`) and without (`code`).
struct Lines<'a> {
    text: Vec<&'a str>,
    code: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    fn of(source: &'a Source) -> Self {
        Self {
            text: source.text.lines().map(str::trim).collect(),
            code: source.code.lines().map(str::trim).collect(),
        }
    }

    /// Whether the line numbered `line` or the comment above its statement says `SAFETY:`.
    fn have_proof(&self, line: usize) -> bool {
        let own = line - 1;
        if self.text[own].contains("SAFETY:") {
            return true;
        }
        for above in (0..own).rev() {
            if self.text[above].starts_with("//") {
                if self.text[above].contains("SAFETY:") {
                    return true;
                }
            } else if self.ends_statement(above) {
                return false;
            }
        }
        false
    }

    /// Whether a comment above the line numbered `above + 1` belongs to something else.
    fn ends_statement(&self, above: usize) -> bool {
        let code = self.code[above];
        let has_own_proof = code.split(|letter| !is_word(letter)).any(|word| word == "unsafe");
        code.is_empty() || code.ends_with([';', '}', '{']) || has_own_proof
    }

    /// Whether the documentation, or a `SAFETY:` comment in an implementation, stands above.
    fn have_contract(&self, line: usize) -> bool {
        self.text[..line - 1]
            .iter()
            .rev()
            .take_while(|text| text.starts_with("//") || text.starts_with("#[") || text.ends_with(']'))
            .any(|text| text.contains("# Safety") || text.contains("SAFETY:"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let source = Source::new("crates/cenote/src/sys/map.rs", text);
        check(&source, &Allowed::of(&[])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn the_file_must_allow_it() {
        assert_eq!(lines("//! Map.\n// SAFETY: fine.\nunsafe impl Send for A {}\n"), [3]);
        assert!(
            lines("//! Map.\n#![allow(unsafe_code)]\n// SAFETY: fine.\nunsafe impl Send for A {}\n")
                .is_empty()
        );
        assert_eq!(
            lines("fn a() {}\n#![allow(unsafe_code)]\nextern { }\n// SAFETY: x\nunsafe impl A for B {}"),
            [5]
        );
    }

    #[test]
    fn or_its_parent() {
        let parent = "#[allow(unsafe_code)]\npub(crate) mod map;\n#[allow(unsafe_code)]\nfn f() {}\n";
        let open = "//! All of it.\n#![allow(unsafe_code)]\n";
        let allowed = Allowed::of(&[
            Source::new("crates/cenote/src/sys/mod.rs", parent),
            Source::new("crates/cenote/src/sys/copy/mod.rs", open),
            Source::new("crates/cenote/src/lib.rs", open),
        ]);
        assert!(allowed.has("crates/cenote/src/sys/map.rs"));
        assert!(allowed.has("crates/cenote/src/sys/copy/portable.rs"));
        assert!(!allowed.has("crates/cenote/src/sys/wait.rs"));
        let child = Source::new("crates/cenote/src/sys/map.rs", "// SAFETY: x\nunsafe impl A for B {}");
        assert!(check(&child, &allowed).is_empty());
    }

    #[test]
    fn blocks_need_a_proof() {
        let file = |body: &str| format!("#![allow(unsafe_code)]\nfn f() {{\n{body}\n}}\n");
        assert_eq!(lines(&file("    let x = unsafe { g() };")), [3]);
        assert_eq!(lines(&file("    // SAFETY: a\n    g();\n    let x = unsafe { g() };")), [5]);
        assert!(lines(&file("    // SAFETY: a\n    let x = unsafe { g() };")).is_empty());
        assert!(
            lines(&file("    // SAFETY: a\n    // and b\n    let x =\n        unsafe { g() };")).is_empty()
        );
        assert_eq!(lines(&file("    // SAFETY: a\n    h(unsafe { g() },\n    unsafe { g() });")), [5]);
    }

    #[test]
    fn functions_need_a_contract() {
        let file = |above: &str| format!("#![allow(unsafe_code)]\n{above}\npub unsafe fn f() {{}}\n");
        assert_eq!(lines(&file("/// Does it.")), [3]);
        assert!(lines(&file("/// # Safety\n/// Keep it.\n#[inline]")).is_empty());
        assert!(lines("#![allow(unsafe_code)]\ntype F = unsafe extern \"C\" fn(u8);\n").is_empty());
        assert_eq!(lines("#![allow(unsafe_code)]\nunsafe extern \"C\" fn f() {}\n"), [2]);
    }

    #[test]
    fn attributes_and_words_are_no_use() {
        assert!(
            lines("#![deny(unsafe_op_in_unsafe_fn)]\n#[unsafe(no_mangle)]\nfn f() {} // unsafe { }\n")
                .is_empty()
        );
    }
}
