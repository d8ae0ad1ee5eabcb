//! Forms as Stripe reads them: `a[b][0]=c` is a tree. And the check of a tree against an endpoint's table.

use std::collections::BTreeMap;

use crate::errors::Refusal;

/// A parameter, or what is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param {
    Text(String),
    Map(BTreeMap<String, Param>),
}

/// What a parameter may be.
pub enum Kind {
    /// Text of at most so many characters, never empty.
    Text(usize),
    Integer(i64, i64),
    Boolean,
    Word(&'static [&'static str]),
    Address,
    Metadata,
    /// A moment in seconds, or `gt`, `gte`, `lt`, `lte`.
    Span,
    List(&'static Kind, usize),
    Object(&'static [Field]),
    /// Stripe has it; nobody needed it here yet.
    Beyond,
}

/// A row of an endpoint's table.
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

/// Reads a form or a query.
pub fn parse(form: &str) -> Result<Param, Refusal> {
    let address = reqwest::Url::parse(&format!("form:?{form}"))
        .map_err(|_| Refusal::invalid("Invalid request: the form cannot be read."))?;
    let mut tree = BTreeMap::new();
    for (name, value) in address.query_pairs() {
        let path = path(&name).ok_or_else(|| Refusal::unknown_parameter(&name))?;
        insert(&mut tree, &path, value.into_owned()).ok_or_else(|| {
            Refusal::invalid(format!("Invalid request: {name} was given twice.")).at(name.as_ref())
        })?;
    }
    Ok(Param::Map(tree))
}

fn path(name: &str) -> Option<Vec<&str>> {
    let Some((first, mut rest)) = name.split_once('[') else {
        return Some(vec![name]);
    };
    let mut path = vec![first];
    loop {
        let (part, after) = rest.split_once(']')?;
        path.push(part);
        match after.strip_prefix('[') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(path),
            None => return None,
        }
    }
}

/// `None`: the place is taken.
fn insert(tree: &mut BTreeMap<String, Param>, path: &[&str], value: String) -> Option<()> {
    let (first, rest) = path.split_first()?;
    // `types[]=a&types[]=b`: each takes the next number.
    let name = if first.is_empty() {
        tree.len().to_string()
    } else {
        (*first).to_owned()
    };
    if rest.is_empty() {
        return tree
            .insert(name, Param::Text(value))
            .is_none()
            .then_some(());
    }
    match tree
        .entry(name)
        .or_insert_with(|| Param::Map(BTreeMap::new()))
    {
        Param::Map(below) => insert(below, rest, value),
        Param::Text(_) => None,
    }
}

impl Param {
    /// Something by its path, with dots: `line_items.0.quantity`.
    pub fn at(&self, path: &str) -> Option<&Param> {
        path.split('.').try_fold(self, |at, part| match at {
            Param::Map(map) => map.get(part),
            Param::Text(_) => None,
        })
    }

    pub fn text(&self, path: &str) -> Option<&str> {
        match self.at(path)? {
            Param::Text(text) => Some(text),
            Param::Map(_) => None,
        }
    }

    pub fn integer(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// The texts of a list or of metadata, with their names.
    pub fn texts(&self, path: &str) -> Vec<(String, String)> {
        let Some(Param::Map(map)) = self.at(path) else {
            return Vec::new();
        };
        let text = |(name, value): (&String, &Param)| match value {
            Param::Text(text) => Some((name.clone(), text.clone())),
            Param::Map(_) => None,
        };
        map.iter().filter_map(text).collect()
    }

    /// Checks everything against a table.
    ///
    /// # Errors
    /// Stripe's own refusal of the first thing that does not fit.
    pub fn check(&self, table: &[Field]) -> Result<(), Refusal> {
        object(self, table, "")
    }
}

fn below(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}[{name}]")
    }
}

fn object(param: &Param, table: &[Field], prefix: &str) -> Result<(), Refusal> {
    let Param::Map(map) = param else {
        return Err(Refusal::invalid("Invalid object").at(prefix));
    };
    for (name, value) in map {
        let at = below(prefix, name);
        let field = table.iter().find(|field| field.name == name);
        let field = field.ok_or_else(|| Refusal::unknown_parameter(&at))?;
        check(value, &field.kind, &at)?;
    }
    match table
        .iter()
        .find(|field| field.required && !map.contains_key(field.name))
    {
        Some(field) => Err(Refusal::missing_parameter(&below(prefix, field.name))),
        None => Ok(()),
    }
}

fn check(param: &Param, kind: &Kind, at: &str) -> Result<(), Refusal> {
    match (kind, param) {
        (Kind::Object(table), _) => object(param, table, at),
        (Kind::Metadata, Param::Map(map)) => metadata(map, at),
        (Kind::Span, Param::Map(_)) => object(param, SPAN, at),
        (Kind::Span, Param::Text(text)) => integer(text, 0, i64::MAX, at),
        (Kind::List(kind, most), Param::Map(map)) => {
            if map.len() > *most || map.keys().any(|name| name.parse::<usize>().is_err()) {
                return Err(Refusal::invalid("Invalid array").at(at));
            }
            map.iter().try_for_each(|(name, value)| check(value, kind, &below(at, name)))
        }
        (Kind::Beyond, _) => Err(Refusal::invalid(format!("The fake does not know what {at} does.")).at(at)),
        (Kind::List(..) | Kind::Metadata, Param::Text(_)) => {
            Err(Refusal::invalid(if matches!(kind, Kind::Metadata) { "Invalid object" } else { "Invalid array" }).at(at))
        }
        (_, Param::Map(_)) => Err(Refusal::invalid("Invalid string").at(at)),
        (_, Param::Text(text)) if text.is_empty() => Err(Refusal::invalid(format!(
            "You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; \
             however '{at}' cannot be unset."
        ))
        .code("parameter_invalid_empty")
        .at(at)),
        (Kind::Integer(least, most), Param::Text(text)) => integer(text, *least, *most, at),
        (Kind::Boolean, Param::Text(text)) => word(text, &["true", "false"], at),
        (Kind::Word(words), Param::Text(text)) => word(text, words, at),
        (Kind::Text(most), Param::Text(text)) if text.chars().count() > *most => Err(Refusal::invalid(format!(
            "Invalid string: must be at most {most} characters"
        ))
        .code("parameter_invalid_string")
        .at(at)),
        (Kind::Text(_), Param::Text(_)) => Ok(()),
        (Kind::Address, Param::Text(text)) => match reqwest::Url::parse(&text.replace(['{', '}'], "")) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() && text.len() <= 5_000 => Ok(()),
            _ => Err(Refusal::invalid("Not a valid URL").code("url_invalid").at(at)),
        },
    }
}

const MOMENT: Kind = Kind::Integer(0, i64::MAX);
const SPAN: &[Field] = &[
    optional("gt", MOMENT),
    optional("gte", MOMENT),
    optional("lt", MOMENT),
    optional("lte", MOMENT),
];

fn integer(text: &str, least: i64, most: i64, at: &str) -> Result<(), Refusal> {
    match text.parse::<i64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(()),
        Ok(number) if number < least && least > 0 => Err(Refusal::invalid(format!(
            "This value must be greater than or equal to {least}."
        ))
        .code("parameter_invalid_integer")
        .at(at)),
        _ => Err(Refusal::invalid(format!("Invalid integer: {text}"))
            .code("parameter_invalid_integer")
            .at(at)),
    }
}

fn word(text: &str, words: &[&str], at: &str) -> Result<(), Refusal> {
    if words.contains(&text) {
        return Ok(());
    }
    Err(Refusal::invalid(format!("Invalid {at}: must be one of {}", words.join(", "))).at(at))
}

/// At most 50 keys of 40 characters with values of 500 (docs.stripe.com/metadata).
fn metadata(map: &BTreeMap<String, Param>, at: &str) -> Result<(), Refusal> {
    for (name, value) in map {
        let fits = matches!(value, Param::Text(text) if text.chars().count() <= 500);
        if !fits || name.chars().count() > 40 || map.len() > 50 {
            return Err(Refusal::invalid("Invalid metadata").at(below(at, name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Field] = &[
        required("mode", Kind::Word(&["payment"])),
        optional(
            "items",
            Kind::List(
                &Kind::Object(&[optional("quantity", Kind::Integer(1, 9))]),
                3,
            ),
        ),
        optional("created", Kind::Span),
        optional("metadata", Kind::Metadata),
        optional("name", Kind::Text(3)),
        optional("types", Kind::List(&Kind::Text(9), 2)),
    ];

    #[test]
    fn a_request_is_held_against_its_table() {
        for (form, expected) in [
            (
                "mode=payment&items[0][quantity]=2&created[gte]=5&metadata[a]=&types[]=x&types[]=y",
                None,
            ),
            ("mode=payment&created=5", None),
            ("mode=payment&nme=x", Some(("parameter_unknown", "nme"))),
            (
                "mode=payment&items[0][qty]=2",
                Some(("parameter_unknown", "items[0][qty]")),
            ),
            ("name=x", Some(("parameter_missing", "mode"))),
            (
                "mode=payment&name=",
                Some(("parameter_invalid_empty", "name")),
            ),
            (
                "mode=payment&items[0][quantity]=0",
                Some(("parameter_invalid_integer", "items[0][quantity]")),
            ),
            (
                "mode=payment&items[0][quantity]=1.5",
                Some(("parameter_invalid_integer", "items[0][quantity]")),
            ),
            ("mode=other", Some(("", "mode"))),
            ("mode=payment&items=2", Some(("", "items"))),
            (
                "mode=payment&name=toolong",
                Some(("parameter_invalid_string", "name")),
            ),
            ("mode=payment&mode=payment", Some(("", "mode"))),
            (
                "mode=payment&types[]=x&types[]=y&types[]=z",
                Some(("", "types")),
            ),
        ] {
            let told = parse(form).and_then(|param| param.check(TABLE)).err();
            let told = told.map(|refusal| {
                (
                    refusal.code.unwrap_or_default(),
                    refusal.param.unwrap_or_default(),
                )
            });
            let told = told.as_ref().map(|(code, param)| (*code, param.as_str()));
            assert_eq!(told, expected, "{form}");
        }
    }
}
