//! Finds scenario files and reads them all, before anything is sent.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::language::{Scenario, read_file};

/// The most files of one run.
const FILES_MAX: usize = 1_000;
/// How deep folders are looked into.
const FOLDERS_DEPTH_MAX: usize = 8;

/// The files, each with its scenarios; or everything that is wrong with any of them.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Vec<Scenario>)>, Vec<String>> {
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            walk(path, 0, &mut files, &mut errors);
            if files.len() == before {
                errors.push(format!("{}: no *.yaml files in it", path.display()));
            }
        } else {
            files.push(path.clone());
        }
    }
    if files.len() > FILES_MAX {
        errors.push(format!("{} files, at most {FILES_MAX} in one run", files.len()));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut read = Vec::new();
    for path in files {
        match read_file(&path) {
            Ok(scenarios) => read.push((path, scenarios)),
            Err(found) => errors.extend(found.iter().map(ToString::to_string)),
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

/// The files of a folder by name, then those of its folders.
fn walk(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, errors: &mut Vec<String>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return errors.push(format!("{}: {error}", folder.display())),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let is_yaml = |path: &&PathBuf| path.extension().is_some_and(|kind| kind == "yaml" || kind == "yml");
    files.extend(paths.iter().filter(is_yaml).filter(|path| path.is_file()).cloned());
    for inner in paths.iter().filter(|path| path.is_dir() && !path.is_symlink() && depth < FOLDERS_DEPTH_MAX) {
        walk(inner, depth + 1, files, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_project_reads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
        let files = read(&[folder]).map_err(|errors| errors.join("\n")).unwrap();
        let count: usize = files.iter().map(|(_, scenarios)| scenarios.len()).sum();
        assert!(count >= 41, "{count} scenarios");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let errors = read(&["nowhere.yaml".into()]).unwrap_err();
        assert!(errors[0].starts_with("nowhere.yaml: cannot be read: "), "{errors:?}");
    }
}
