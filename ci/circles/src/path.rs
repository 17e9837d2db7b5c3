//! The paths that are written in a file: in its imports, and anywhere else in its code.

use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;

/// An imported name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// What it is called here; nothing for all names of a module.
    pub name: Option<String>,
    /// Where it is from.
    pub path: Vec<String>,
}

/// Lists the names of a `use`, those of nested groups each with its whole path.
pub fn imports(tree: &UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(tree, &mut Vec::new(), &mut found);
    found
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, found)),
        UseTree::Glob(_) => found.push(Import { name: None, path: before.clone() }),
        UseTree::Name(name) => found.push(named(before, &name.ident.to_string(), None)),
        UseTree::Rename(rename) => {
            found.push(named(before, &rename.ident.to_string(), Some(rename.rename.to_string())));
        }
    }
}

fn named(before: &[String], ident: &str, called: Option<String>) -> Import {
    let mut path = before.to_vec();
    if ident != "self" || path.is_empty() {
        path.push(ident.to_owned());
    }
    Import { name: called.or_else(|| path.last().cloned()), path }
}

/// Lists the imports and the paths of two and more names in code, macros' arguments included.
pub fn paths(code: TokenStream) -> (Vec<Import>, Vec<Vec<String>>) {
    let (mut found_imports, mut found_paths) = (Vec::new(), Vec::new());
    scan(code, &mut found_imports, &mut found_paths);
    (found_imports, found_paths)
}

fn scan(code: TokenStream, found_imports: &mut Vec<Import>, found_paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => scan(group.stream(), found_imports, found_paths),
            TokenTree::Ident(ident) if ident == "use" => {
                let end = tokens[at..].iter().position(|token| is(token, ';')).map_or(tokens.len(), |end| at + end);
                let tree: TokenStream = tokens[at + 1..end].iter().cloned().collect();
                // `impl Trait + use<'a>` is not an import.
                if let Ok(tree) = syn::parse2::<UseTree>(tree) {
                    found_imports.extend(imports(&tree));
                    at = end;
                }
            }
            TokenTree::Ident(ident) => {
                let mut path = vec![ident.to_string()];
                let absolute = at >= 2 && is(&tokens[at - 1], ':') && is(&tokens[at - 2], ':');
                while let [colon, second, TokenTree::Ident(next), ..] = &tokens[(at + 1).min(tokens.len())..]
                    && is(colon, ':')
                    && is(second, ':')
                {
                    path.push(next.to_string());
                    at += 3;
                }
                if path.len() > 1 && !absolute {
                    found_paths.push(path);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &[&str]) -> Vec<String> {
        path.iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn nested_groups_names_of_their_own_and_the_module_itself() {
        let tree = syn::parse_str("crate::{a::{self, B as C}, d::*}").unwrap();
        let import = |name: Option<&str>, path: &[&str]| Import { name: name.map(Into::into), path: words(path) };
        let expected = [
            import(Some("a"), &["crate", "a"]),
            import(Some("C"), &["crate", "a", "B"]),
            import(None, &["crate", "d"]),
        ];
        assert_eq!(imports(&tree), expected);
    }

    #[test]
    fn paths_in_bodies_types_and_macros() {
        let code = "fn f(x: a::B) -> impl Sized + use<> { use c::D; ::std::mem::drop(x); vec![super::e::f::<u8>()] }";
        let (imports, paths) = paths(code.parse().unwrap());
        assert_eq!(imports, [Import { name: Some("D".into()), path: words(&["c", "D"]) }]);
        assert_eq!(paths, [words(&["a", "B"]), words(&["super", "e", "f"])]);
    }
}
