//! Reading the text of a type. Somebody else wrote it: nothing is too long, too deep or too large to be asked for.

use super::{Part, Scalar, Type};
use crate::error::{Error, ErrorKind, Result};

/// How many types may be in one another.
const DEEPEST: u32 = 32;

pub(super) fn parse(text: &str) -> Result<Type> {
    let mut parser = Parser { text, at: 0 };
    match parser.a_type(0) {
        Some(root) if parser.at == text.len() => Ok(root),
        _ => {
            let what = format!("the description of its type cannot be understood from byte {} on", parser.at);
            Err(Error::new(ErrorKind::Corrupt, what).with_hint(
                "another version of Cenote wrote it, or somebody has damaged it; `--as raw` has the bytes",
            ))
        }
    }
}

/// Nothing, where something else was to come.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn a_type(&mut self, depth: u32) -> Option<Type> {
        if depth > DEEPEST {
            return None;
        }
        if self.skip('[').is_some() {
            let of = Box::new(self.a_type(depth + 1)?);
            self.skip(';')?;
            let count: usize = self.number()?;
            self.skip(']')?;
            let size = of.size().checked_mul(count)?;
            return Some(Type::Array { of, count, size });
        }
        let name = self.name()?;
        if self.skip('(').is_none() {
            return Scalar::named(&name).map(Type::Scalar);
        }
        if self.rest().starts_with(|letter: char| letter.is_ascii_digit()) {
            self.a_struct(name, depth)
        } else {
            self.an_enum(name)
        }
    }

    fn a_struct(&mut self, name: String, depth: u32) -> Option<Type> {
        let size = self.number()?;
        self.skip(',')?;
        let align = self.number()?;
        self.skip(')')?;
        let mut fields: Vec<Part> = Vec::new();
        let mut end = 0;
        self.list(|parser| {
            let name = parser.name()?;
            parser.skip('@')?;
            let offset = parser.number().filter(|&offset: &usize| offset >= end)?;
            parser.skip(':')?;
            let of = parser.a_type(depth + 1)?;
            end = offset.checked_add(of.size()).filter(|&end| end <= size)?;
            fields.push(Part { name, offset, of });
            Some(())
        })?;
        Some(Type::Struct { name, size, align, fields })
    }

    fn an_enum(&mut self, name: String) -> Option<Type> {
        let scalar = Scalar::named(&self.name()?).filter(|scalar| scalar.is_integer())?;
        self.skip(')')?;
        let mut variants = Vec::new();
        self.list(|parser| {
            let name = parser.name()?;
            parser.skip('=')?;
            variants.push((name, parser.number()?));
            Some(())
        })?;
        Some(Type::Enum { name, scalar, variants })
    }

    /// In braces, with commas between them.
    fn list(&mut self, mut one: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip('{')?;
        if self.skip('}').is_some() {
            return Some(());
        }
        loop {
            one(self)?;
            if self.skip('}').is_some() {
                return Some(());
            }
            self.skip(',')?;
        }
    }

    fn name(&mut self) -> Option<String> {
        let is_other = |letter: char| !(letter.is_alphanumeric() || letter == '_');
        self.take(is_other).filter(|name| !name.is_empty()).map(str::to_owned)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.take(|letter| !(letter.is_ascii_digit() || letter == '-'))?.parse().ok()
    }

    /// All up to what is other.
    fn take(&mut self, is_other: impl Fn(char) -> bool) -> Option<&str> {
        let rest = &self.text[self.at..];
        let end = rest.find(is_other).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end)
    }

    fn skip(&mut self, letter: char) -> Option<()> {
        self.rest().starts_with(letter).then(|| self.at += letter.len_utf8())
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
}
