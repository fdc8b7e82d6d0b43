//! The pages of the cookbook: what they show of a program is in it, word for word.

use std::fs;
use std::path::{Path, PathBuf};

/// A block of code in a page.
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) lines: Vec<String>,
    /// The number of its first line.
    pub(crate) at: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The recipes: the folders with examples.
pub(crate) fn recipes() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates/cenote/examples")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn page(name: &str) -> String {
    let path = root().join("docs/cookbook").join(format!("{name}.md"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), lines: Vec::new(), at: number + 2 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

/// Lines without the indentation that they have in common.
fn dedented<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let blank = |line: &&str| line.trim().is_empty();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !blank(line)).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or_default().trim_end()).collect()
}

fn holds(source: &str, block: &[String]) -> bool {
    let lines: Vec<&str> = source.lines().collect();
    let block: Vec<&str> = block.iter().map(String::as_str).collect();
    let wanted = dedented(&block);
    !wanted.is_empty() && lines.windows(wanted.len()).any(|window| dedented(window) == wanted)
}

#[test]
fn each_block_of_code_is_in_the_program_that_it_shows() {
    for recipe in recipes() {
        let folder = root().join("crates/cenote/examples").join(&recipe);
        let mut shown = Vec::new();
        for Block { language, lines, at } in blocks(&page(&recipe)) {
            let file = match language.as_str() {
                "rust" => "main.rs",
                "c" => "classic.c",
                "cpp" => "classic.cpp",
                "cmd" | "console" | "text" => continue,
                other => panic!("{recipe}.md:{at}: a block of {other:?}"),
            };
            let source = fs::read_to_string(folder.join(file)).unwrap();
            assert!(holds(&source, &lines), "{recipe}.md:{at}: this is not in {file}");
            shown.push(file);
        }
        assert!(shown.contains(&"main.rs"), "{recipe}.md shows nothing of ours");
        assert!(shown.iter().any(|file| file.starts_with("classic")), "{recipe}.md shows nothing classic");
    }
}

#[test]
fn each_recipe_has_a_page_that_says_how_to_run_both_and_the_index_names_it() {
    let index = page("README");
    for recipe in recipes() {
        let commands: Vec<String> = blocks(&page(&recipe))
            .into_iter()
            .filter(|b| b.language == "console" || b.language == "cmd")
            .flat_map(|b| b.lines)
            .collect();
        let classic =
            [format!("target/peers/cookbook/{recipe} "), format!(r"target\peers\cookbook\{recipe}.exe ")];
        for programs in [&[format!("--example {recipe} -- ")][..], &classic] {
            let is_run = commands.iter().any(|line| {
                let is_typed = line.starts_with("$ ") || line.starts_with("> ");
                is_typed && programs.iter().any(|program| line.contains(program))
            });
            assert!(is_run, "{recipe}.md never runs {programs:?}");
        }
        assert!(index.contains(&format!("]({recipe}.md)")), "the index lacks {recipe}");
    }
}

#[test]
fn a_page_that_drifted_is_noticed() {
    let source = "fn f() {\n    let a = 1;\n    g(a);\n}\n";
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(holds(source, &lines("let a = 1;\ng(a);")));
    assert!(holds(source, &lines("    let a = 1;\n    g(a);")));
    assert!(!holds(source, &lines("let a = 1;\ng(b);")), "another word");
    assert!(!holds(source, &lines("fn f() {\n    g(a);")), "a line left out");
    assert!(!holds(source, &lines("let a = 1;\n  g(a);")), "other indentation");
    assert!(!holds(source, &[]), "nothing at all");
}
