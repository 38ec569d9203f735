//! A Rust source as a reader of rules sees it: code without strings and comments, and the comments by themselves.
//!
//! No parser of Rust: a scanner that knows where strings, characters and comments begin and end, and `use` trees well
//! enough to say which room of the crate is imported.

/// A scanned source.
pub(crate) struct Source {
    code: String,
    comments: String,
}

impl Source {
    /// Scans a text.
    pub(crate) fn read(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
        let (mut code, mut comments) = (String::new(), String::new());
        let mut index = 0;
        while index < chars.len() {
            let before = code.chars().last().unwrap_or(' ');
            let in_word = before.is_alphanumeric() || before == '_';
            match (at(index), at(index + 1)) {
                ('/', '/') => {
                    while index < chars.len() && at(index) != '\n' {
                        comments.push(at(index));
                        index += 1;
                    }
                    comments.push('\n');
                }
                ('/', '*') => {
                    let mut depth = 0;
                    loop {
                        match (at(index), at(index + 1)) {
                            ('/', '*') => depth += 1,
                            ('*', '/') => depth -= 1,
                            _ => {
                                comments.push(at(index));
                                index += 1;
                                if index >= chars.len() {
                                    break;
                                }
                                continue;
                            }
                        }
                        index += 2;
                        if depth == 0 {
                            break;
                        }
                    }
                    code.push(' ');
                }
                ('r', '"' | '#') if !in_word || before == 'b' || before == 'c' => {
                    match raw_string_end(&chars, index + 1) {
                        Some(end) => index = end,
                        None => {
                            code.push('r'); // a raw identifier
                            index += 2;
                        }
                    }
                }
                ('"', _) => {
                    index += 1;
                    while index < chars.len() && at(index) != '"' {
                        index += if at(index) == '\\' { 2 } else { 1 };
                    }
                    index += 1;
                    code.push_str("\"\"");
                }
                ('\'', '\\') => {
                    index += 3; // past the escaped character, which may be a quote itself
                    while index < chars.len() && at(index) != '\'' {
                        index += 1;
                    }
                    index += 1;
                }
                ('\'', _) if at(index + 2) == '\'' => index += 3,
                (other, _) => {
                    code.push(other);
                    index += 1;
                }
            }
        }
        Self { code, comments }
    }

    /// Whether the code names this word.
    pub(crate) fn names(&self, word: &str) -> bool {
        has_word(&self.code, word)
    }

    /// Whether a comment names this word.
    pub(crate) fn comments_name(&self, word: &str) -> bool {
        has_word(&self.comments, word)
    }

    /// Whether the code calls this macro.
    pub(crate) fn calls_macro(&self, name: &str) -> bool {
        has_word(&dense(&self.code), &format!("{name}!"))
    }

    /// Where the code reads the environment: what it names of `std::env` to that end.
    pub(crate) fn environment_reads(&self) -> Vec<String> {
        let reads = ["var", "vars", "var_os", "vars_os"];
        let mut found: Vec<String> = self
            .paths()
            .into_iter()
            .filter(|path| {
                let mut segments = path.rsplit("::");
                segments.next().is_some_and(|last| reads.contains(&last)) && segments.next() == Some("env")
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// What of this crate the code names, as paths from the crate's root; `path` is where the source lies.
    pub(crate) fn imports(&self, path: &str) -> Vec<String> {
        let inside = path.strip_prefix("src/").unwrap_or(path);
        let module = inside.strip_suffix(".rs").unwrap_or(inside);
        let module: Vec<&str> = module.strip_suffix("/mod").unwrap_or(module).split('/').collect();
        let mut found: Vec<String> = self.paths().iter().filter_map(|path| from_root(path, &module)).collect();
        found.sort();
        found.dedup();
        found
    }

    /// Every path with `::` in the code, `use` trees expanded.
    fn paths(&self) -> Vec<String> {
        let dense = dense(&self.code);
        let mut paths = Vec::new();
        let mut rest = dense.as_str();
        while let Some(start) = rest.find(|c: char| c.is_alphabetic() || c == '_') {
            rest = &rest[start..];
            let used = tree(rest, "", &mut paths);
            rest = &rest[used.max(1)..];
        }
        paths
    }
}

/// Reads a path or a tree of paths at the start of `text`, adds what it names, and gives how many bytes it took.
fn tree(text: &str, prefix: &str, paths: &mut Vec<String>) -> usize {
    let word_end = |from: usize| {
        text[from..].find(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(text.len(), |end| from + end)
    };
    let mut path = prefix.to_owned();
    let mut at = 0;
    loop {
        let end = word_end(at);
        if !path.is_empty() {
            path.push_str("::");
        }
        path.push_str(&text[at..end]);
        at = end;
        if !text[at..].starts_with("::") {
            break;
        }
        at += 2;
        if text[at..].starts_with('{') {
            at += 1;
            while at < text.len() && !text[at..].starts_with('}') {
                let inner = &text[at..];
                if inner.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                    at += tree(inner, &path, paths).max(1);
                } else {
                    at += inner.chars().next().map_or(1, char::len_utf8);
                }
            }
            return (at + 1).min(text.len());
        }
        if word_end(at) == at {
            break; // `::<` or `::*`: the path ends here
        }
    }
    if path.contains("::") {
        paths.push(path);
    }
    at
}

/// A path from the crate's root, if it is one of this crate's.
fn from_root(path: &str, module: &[&str]) -> Option<String> {
    let mut segments = path.split("::").peekable();
    match segments.next()? {
        "crate" | "hwan" => Some(segments.collect::<Vec<_>>().join("::")),
        "super" => {
            let mut depth = module.len().checked_sub(1)?;
            while segments.next_if_eq(&"super").is_some() {
                depth = depth.checked_sub(1)?;
            }
            Some(module.iter().take(depth).copied().chain(segments).collect::<Vec<_>>().join("::"))
        }
        _ => None,
    }
}

/// The code without white space, but a space between words.
fn dense(code: &str) -> String {
    let mut dense = String::with_capacity(code.len());
    for word in code.split_whitespace() {
        let ends_in_word = dense.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if ends_in_word && word.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            dense.push(' ');
        }
        dense.push_str(word);
    }
    dense
}

/// Whether `text` holds `word` with no letter of a word on either side.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let open_ended = word.ends_with('!');
        !before.is_some_and(part) && (open_ended || !after.is_some_and(part))
    })
}

/// Behind the raw string whose hashes or quote begin at `from`; `None` if it is a raw identifier.
fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars.iter().skip(from).take_while(|c| **c == '#').count();
    if chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut index = from + hashes + 1;
    while index < chars.len() {
        let closing = chars.iter().skip(index + 1).take_while(|c| **c == '#').count();
        if chars.get(index) == Some(&'"') && closing >= hashes {
            return Some(index + 1 + hashes);
        }
        index += 1;
    }
    Some(chars.len())
}
