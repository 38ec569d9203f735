//! The page, taken apart.

use serde_json::Value;

/// A block that is run.
pub(crate) struct Block {
    /// Where it begins, from 1 on.
    pub(crate) line: usize,
    /// What is run.
    pub(crate) script: String,
    /// What it prints.
    pub(crate) answer: Answer,
}

/// What a block is said to print.
pub(crate) enum Answer {
    /// The page does not say.
    Unshown,
    /// These values, one after the other.
    Json(Vec<Value>),
    /// These lines, with others between them.
    Text(Vec<String>),
}

/// A fence: where it begins, its mark, its text.
struct Fence<'a> {
    line: usize,
    mark: &'a str,
    text: String,
}

fn fences(page: &str) -> Result<Vec<Fence<'_>>, String> {
    let mut fences = Vec::new();
    let mut open: Option<Fence<'_>> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(mark), None) => open = Some(Fence { line: index + 1, mark, text: String::new() }),
            (Some(_), Some(_)) => fences.extend(open.take()),
            (None, Some(fence)) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, None) => {}
        }
    }
    match open {
        Some(fence) => Err(format!("line {}: a block without an end", fence.line)),
        None => Ok(fences),
    }
}

/// What is run, with what it answers.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    for Fence { line, mark, text } in fences(page)? {
        let answer = match mark {
            "sh" => {
                blocks.push(Block { line, script: text, answer: Answer::Unshown });
                continue;
            }
            "" => continue,
            "json" => Answer::Json(
                serde_json::Deserializer::from_str(&text)
                    .into_iter()
                    .collect::<Result<_, _>>()
                    .map_err(|error| format!("line {line}: {error}"))?,
            ),
            "text" => Answer::Text(text.lines().map(str::to_owned).collect()),
            other => return Err(format!("line {line}: unknown mark {other:?}: use sh, json, text or none")),
        };
        match blocks.last_mut() {
            Some(block) if matches!(block.answer, Answer::Unshown) => block.answer = answer,
            _ => return Err(format!("line {line}: an answer without a block that is run")),
        }
    }
    Ok(blocks)
}

/// What is not run.
pub(crate) fn unmarked(page: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```") {
        let Some((mark, body)) = after.split_once('\n') else { break };
        let Some((text, behind)) = body.split_once("```") else { break };
        if mark.is_empty() {
            texts.push(text);
        }
        rest = behind;
    }
    texts
}
